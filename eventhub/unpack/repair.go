package unpack

import (
	"errors"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
)

// Why an audit event cannot be salvaged.
var (
	errNotCut   = errors.New("the text was not cut")
	errCutShort = errors.New("the text was cut before it said what was done, and by whom")
)

// salvage closes an audit event that AKS cut, at 16 KiB and in the middle of whatever stood there,
// into a whole one, of what is certain: each value that was there whole stays byte for byte, and
// what is half written (a string, a number that may go on, a key) is left out. Objects and arrays
// keep what they had. The order of an event's members is not relied on.
//
// What Falco cannot do without is filled in: kind, and stageTimestamp from
// requestReceivedTimestamp, else from the record's own time. The event is marked as truncated.
func repair(log []byte, recordTime string) ([]byte, error) {
	cut, err := jsonscan.ScanObject(log)
	if !errors.Is(err, jsonscan.ErrCut) {
		return nil, errNotCut
	}
	event := cut.Closed()
	if !hasIdentity(cut, event) {
		return nil, errCutShort
	}
	addMissing(event, recordTime)
	markTruncated(event)
	return event.Text, nil
}

// saysWhoDidWhat says whether a cut event still holds auditID, verb and user. The user is whole, if
// empty as in a request that was not authenticated, or names itself before the cut.
func hasIdentity(cut, closed *jsonscan.JsonScan) bool {
	for _, key := range []string{"auditID", "verb"} {
		if _, whole := cut.Member(key); !whole {
			return false
		}
	}
	if _, whole := cut.Member("user"); whole {
		return true
	}
	user, _ := jsonscan.ScanObject(closed.ValueOf("user"))
	_, named := user.Member("username")
	return named
}

func addMissing(event *jsonscan.JsonScan, recordTime string) {
	if event.ValueOf("kind") == nil {
		event.Set("kind", `"Event"`)
	}
	if event.ValueOf("stageTimestamp") != nil {
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

// markTruncated sets the annotation that the API server sets where it left out parts of an event.
func markTruncated(event *jsonscan.JsonScan) {
	annotations, err := jsonscan.ScanObject(event.ValueOf("annotations"))
	if err != nil {
		annotations, _ = jsonscan.ScanObject([]byte("{}"))
	}
	annotations.Set("audit.k8s.io/truncated", `"true"`)
	event.Set("annotations", string(annotations.Text))
}
