package unpack

import (
	"errors"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
	"aks-audit-log-go/eventhub/unpack/rebuild"
)

// The reasons why repair refuses a text.
var (
	errNotCut   = errors.New("the text was not cut")
	errCutShort = errors.New("the text was cut before it said what was done, and by whom")
)

// repair makes a whole audit event from one that AKS cut. AKS cuts at 16 KiB, in the middle of any value. Each value
// that was whole before the cut stays byte for byte. A half-written value (a string, a key, or a number that may have
// more digits) is left out. Objects and arrays keep their whole members. The order of an event's members does not
// matter.
//
// repair adds the members that Falco needs: kind, and stageTimestamp. stageTimestamp comes from
// requestReceivedTimestamp, or else from the record's time. repair rebuilds what follows from the other members, and
// marks the event as truncated.
func repair(log []byte, recordTime string) ([]byte, error) {
	cut, err := jsonscan.ScanObject(log)
	if !errors.Is(err, jsonscan.ErrCut) {
		return nil, errNotCut
	}
	event := cut.Closed()
	if !hasRequired(cut, event) {
		return nil, errCutShort
	}
	addMissing(event, recordTime)
	rebuild.Missing(cut, event)
	markTruncated(event)
	return event.Text(), nil
}

// hasRequired reports whether a cut event still holds auditID, verb and user. The user counts if its object is whole,
// or if its name stands before the cut. A whole user may be empty: the request was not authenticated.
func hasRequired(cut, closed *jsonscan.Object) bool {
	if !cut.Has("auditID") || !cut.Has("verb") {
		return false
	}
	if cut.Has("user") {
		return true
	}
	user, _ := jsonscan.ScanObject(closed.ValueOf("user"))
	return user.Has("username")
}

// addMissing adds kind and stageTimestamp if the event lacks them and their value is known.
func addMissing(event *jsonscan.Object, recordTime string) {
	if !event.Has("kind") {
		event.Set("kind", `"Event"`)
	}
	if event.Has("stageTimestamp") {
		return
	}
	received := event.ValueOf("requestReceivedTimestamp")
	switch {
	case len(received) > 2 && isTimestamp(string(received[1:len(received)-1])):
		event.Set("stageTimestamp", string(received))
	case isTimestamp(recordTime):
		event.Set("stageTimestamp", `"`+recordTime+`"`)
	}
}

// markTruncated sets the annotation that the API server sets when it leaves out parts of an event.
func markTruncated(event *jsonscan.Object) {
	event.SetIn("annotations", "audit.k8s.io/truncated", `"true"`)
}
