package unpack

import (
	"encoding/json"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
	"aks-audit-log-go/eventhub/unpack/shapes"
)

// EventIdentity describes to people which audit event is meant. It holds names only and no other content, because
// events hold secrets. A field that could not be read is empty.
type EventIdentity struct {
	AuditID string `json:"audit_id,omitempty"`
	Verb    string `json:"verb,omitempty"`
	User    string `json:"user,omitempty"`
	// Resource is like "deployments.apps/scale default/web".
	Resource string `json:"resource,omitempty"`
}

// maxNameLength is how many characters of each name are shown: a user name may be very long.
const maxNameLength = 128

// Identify reads the names of an audit event. It also reads broken and cut events, up to the end of their text. Of
// several members with the same key, it uses the first, as Falco's parser does.
func Identify(text []byte) EventIdentity {
	names := memberStrings(text)
	return EventIdentity{
		AuditID: shapes.Printable(names["auditID"], maxNameLength), Verb: shapes.Printable(names["verb"], maxNameLength),
		User: shapes.Printable(names["user.username"], maxNameLength), Resource: shapes.Printable(resourceOf(names), maxNameLength),
	}
}

// LogFields returns the known names as fields of a log line.
func (i EventIdentity) LogFields() logrus.Fields {
	fields := logrus.Fields{}
	for name, value := range map[string]string{"audit_id": i.AuditID, "verb": i.Verb, "user": i.User, "resource": i.Resource} {
		if value != "" {
			fields[name] = value
		}
	}
	return fields
}

// identifying are the members that Identify reads, by their path.
var identifying = map[string]bool{
	"auditID": true, "verb": true, "user.username": true,
	"objectRef.resource": true, "objectRef.subresource": true, "objectRef.apiGroup": true,
	"objectRef.namespace": true, "objectRef.name": true,
}

// memberStrings returns the identifying strings of an event by their path. They are members of the outermost object
// ("verb") or of the objects in it ("user.username"). It reads to the end of the text, and leaves out a string that
// was cut.
func memberStrings(text []byte) map[string]string {
	const maxLevel = 2
	found := map[string]string{}
	level := 0
	var keys [maxLevel + 1]string // the last key by level
	for token := range jsonscan.Tokens(text) {
		switch c := token.Text[0]; {
		case c == '{' || c == '[':
			level++
			if level <= maxLevel {
				keys[level] = ""
			}
		case c == '}' || c == ']':
			level = max(0, level-1)
		case level < 1 || level > maxLevel:
		case token.IsKey:
			keys[level] = unquoted(token.Text)
		default:
			path := keys[1]
			if level == maxLevel {
				path += "." + keys[maxLevel]
			}
			if _, known := found[path]; !known && identifying[path] {
				found[path] = unquoted(token.Text)
			}
		}
	}
	return found
}

// unquoted returns the content of a JSON string, "" if the string is not valid JSON.
func unquoted(quoted []byte) string {
	var content string
	if json.Unmarshal(quoted, &content) != nil {
		return ""
	}
	return content
}

// resourceOf joins the parts of the name of the event's object.
func resourceOf(names map[string]string) string {
	resource := joined(joined(names["objectRef.resource"], ".", names["objectRef.apiGroup"]), "/", names["objectRef.subresource"])
	return joined(resource, " ", joined(names["objectRef.namespace"], "/", names["objectRef.name"]))
}

// joined puts a separator between two texts, unless one of them is empty.
func joined(a, separator, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + separator + b
}
