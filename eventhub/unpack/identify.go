package unpack

import (
	"encoding/json"
	"strings"
	"unicode"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
)

// identity names an audit event for people, without any of its content: events hold secrets.
// What could not be read is empty.
type EventIdentity struct {
	AuditID string `json:"auditID,omitempty"`
	Verb    string `json:"verb,omitempty"`
	User    string `json:"user,omitempty"`
	// Resource is like "deployments.apps/scale default/web".
	Resource string `json:"resource,omitempty"`
}

// maxNamed bounds what is shown of each name, in characters. A user can be called at length.
const maxNamed = 128

// identify reads an audit event, broken or cut off ones too, as far as its text goes: of each
// member the first counts, as for Falco's parser.
func Identify(text []byte) EventIdentity {
	named := map[string]string{}
	walkStrings(text, func(path, value string) {
		if _, known := named[path]; !known && identifies[path] {
			named[path] = value
		}
	})
	return EventIdentity{
		AuditID: shownName(named["auditID"]), Verb: shownName(named["verb"]),
		User: shownName(named["user.username"]), Resource: shownName(resourceOf(named)),
	}
}

// identifies are the members that are looked at.
var identifies = map[string]bool{
	"auditID": true, "verb": true, "user.username": true,
	"objectRef.resource": true, "objectRef.subresource": true, "objectRef.apiGroup": true,
	"objectRef.namespace": true, "objectRef.name": true,
}

func resourceOf(named map[string]string) string {
	resource := joined(joined(named["objectRef.resource"], ".", named["objectRef.apiGroup"]), "/", named["objectRef.subresource"])
	return joined(resource, " ", joined(named["objectRef.namespace"], "/", named["objectRef.name"]))
}

// joined puts a separator between two texts, unless one is empty.
func joined(a, separator, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + separator + b
}

// shownName makes a name fit for a terminal: whoever wrote it may have had other plans.
func shownName(name string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, name))
	if len(runes) > maxNamed {
		return string(runes[:maxNamed]) + "…"
	}
	return string(runes)
}

// logFields are the names that are known.
func (i EventIdentity) LogFields() logrus.Fields {
	fields := logrus.Fields{}
	for name, value := range map[string]string{"audit_id": i.AuditID, "verb": i.Verb, "user": i.User, "resource": i.Resource} {
		if value != "" {
			fields[name] = value
		}
	}
	return fields
}

// walkStrings calls found for the strings that are members of the outermost object ("verb") or of
// an object in it ("user.username"), until the text ends, wherever that is. A string without its
// end is left out.
func walkStrings(text []byte, found func(path, value string)) {
	const deepest = 2
	keys := map[int]string{} // the last key of each level
	level := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			level++
			if level <= deepest {
				keys[level] = ""
			}
		case '}', ']':
			level = max(0, level-1)
		case '"':
			end := jsonscan.StringEnd(text, i)
			if end < 0 {
				return
			}
			if level >= 1 && level <= deepest {
				if isKey(text, end) {
					keys[level] = unquoted(text[i:end])
				} else {
					path := keys[1]
					if level == deepest {
						path += "." + keys[deepest]
					}
					found(path, unquoted(text[i:end]))
				}
			}
			i = end - 1
		}
	}
}

// isKey tells whether a colon follows at end.
func isKey(text []byte, end int) bool {
	for _, c := range text[end:] {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c == ':'
		}
	}
	return false
}

// unquoted is what a JSON string means, "" where it means nothing.
func unquoted(quoted []byte) string {
	var value string
	if json.Unmarshal(quoted, &value) != nil {
		return ""
	}
	return value
}
