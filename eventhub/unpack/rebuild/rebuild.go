// Package rebuild restores members of a cut audit event that follow from its other members.
package rebuild

import (
	"encoding/json"
	"strings"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
	"aks-audit-log-go/eventhub/unpack/requestinfo"
)

const (
	// markKey is the key of the annotation that lists what was rebuilt, separated by commas.
	markKey = "aks-audit-log-go/rebuilt"
	// decisionKey is the key of the annotation in which the API server says whether a request was authorized.
	decisionKey = "authorization.k8s.io/decision"
)

// Missing adds objectRef and the authorization decision to an event. It does so if the cut removed them and they
// follow from members that were whole before the cut. It marks the event with what it added. closed is cut.Closed().
//
// Falco's rules need both, and the sender of a request can make the event so long that the cut removes both. Missing
// reads only the event's own members, which the API server writes. It ignores text inside headers or objects. It
// never changes a value that was before the cut.
func Missing(cut, closed *jsonscan.Object) {
	var rebuilt []string
	if !cut.Has("objectRef") && addObjectRef(closed) {
		rebuilt = append(rebuilt, "objectRef")
	}
	if !cut.Has("annotations") && !closed.ObjectOf("annotations").Has(decisionKey) && wasAllowed(closed) {
		closed.SetIn("annotations", decisionKey, `"allow"`)
		rebuilt = append(rebuilt, decisionKey)
	}
	if rebuilt != nil {
		closed.SetIn("annotations", markKey, `"`+strings.Join(rebuilt, ",")+`"`)
	}
}

// addObjectRef adds the members of objectRef that the cut removed, and reports whether there were any. A name that
// was only in the request's body, such as the name of an object to be created, is not known.
func addObjectRef(event *jsonscan.Object) bool {
	object, found := requestinfo.Read(event.StringOf("verb"), event.StringOf("requestURI"))
	if !found {
		return false
	}
	reference := event.ObjectOf("objectRef")
	added := false
	for _, member := range []struct{ key, value string }{ // in the API server's order
		{"resource", object.Resource}, {"namespace", object.Namespace}, {"name", object.Name},
		{"apiGroup", object.APIGroup}, {"apiVersion", object.APIVersion}, {"subresource", object.Subresource},
	} {
		quoted, err := json.Marshal(member.value)
		switch {
		case err != nil || member.value == "":
		case !reference.Has(member.key):
			reference.Set(member.key, string(quoted))
			added = true
		case !sameString(reference.ValueOf(member.key), quoted):
			return false // objectRef was not made from this URI
		}
	}
	if added {
		event.Set("objectRef", string(reference.Text()))
	}
	return added
}

// sameString reports whether two JSON strings have the same content.
func sameString(a, b []byte) bool {
	var first, second string
	return json.Unmarshal(a, &first) == nil && json.Unmarshal(b, &second) == nil && first == second
}

// wasAllowed reports whether the status code shows that the request was authorized. The API server authorizes a
// request before it can be answered with 2xx. exec, attach and port-forward answer with 101 in place of 200.
func wasAllowed(event *jsonscan.Object) bool {
	code := string(event.ObjectOf("responseStatus").ValueOf("code"))
	return code == "101" || len(code) == 3 && code[0] == '2'
}
