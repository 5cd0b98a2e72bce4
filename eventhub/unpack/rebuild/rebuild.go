// Package rebuild adds to an audit event that was cut what follows from the members that the cut left.
package rebuild

import (
	"encoding/json"
	"strings"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
	"aks-audit-log-go/eventhub/unpack/requestinfo"
)

const (
	// markKey is the key of the annotation that lists what was rebuilt, with a comma between.
	markKey = "aks-audit-log-go/rebuilt"
	// decisionKey is the key of the annotation in which the API server says whether a request was authorized.
	decisionKey = "authorization.k8s.io/decision"
)

// Missing adds objectRef and the decision to authorize the request to an event, if the cut took them and they follow
// from members that stood whole before the cut. It marks the event with what it added. closed is cut.Closed().
//
// Falco's rules ask for both, and the sender of the request can push both past the cut. Missing reads only members
// of the event itself, where the API server writes them: a text within a header or an object counts for nothing. It
// never changes a value that stood before the cut.
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

// addObjectRef adds the members of objectRef that the cut took, and reports whether there were any. A name that stood
// only in the body of the request, as that of an object that is created, is not known.
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

// wasAllowed reports whether the status code says that the request was authorized. The API server authorizes a request
// before anything answers it with 2xx, or with 101, which exec, attach and port-forward answer in place of 200.
func wasAllowed(event *jsonscan.Object) bool {
	code := string(event.ObjectOf("responseStatus").ValueOf("code"))
	return code == "101" || len(code) == 3 && code[0] == '2'
}
