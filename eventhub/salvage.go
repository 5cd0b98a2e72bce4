package eventhub

import "errors"

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
func salvage(log []byte, recordTime string) ([]byte, error) {
	cut, err := scanObject(log)
	if !errors.Is(err, errCut) {
		return nil, errNotCut
	}
	event := cut.closed()
	if !saysWhoDidWhat(cut, event) {
		return nil, errCutShort
	}
	fillIn(event, recordTime)
	markTruncated(event)
	return event.text, nil
}

// saysWhoDidWhat says whether a cut event still holds auditID, verb and user. The user is whole, if
// empty as in a request that was not authenticated, or names itself before the cut.
func saysWhoDidWhat(cut, closed *jsonScan) bool {
	for _, key := range []string{"auditID", "verb"} {
		if _, whole := cut.member(key); !whole {
			return false
		}
	}
	if _, whole := cut.member("user"); whole {
		return true
	}
	user, _ := scanObject(closed.valueOf("user"))
	_, named := user.member("username")
	return named
}

func fillIn(event *jsonScan, recordTime string) {
	if event.valueOf("kind") == nil {
		event.set("kind", `"Event"`)
	}
	if event.valueOf("stageTimestamp") != nil {
		return
	}
	received := event.valueOf("requestReceivedTimestamp")
	switch {
	case len(received) > 2 && isTimestamp(string(received[1:len(received)-1])):
		event.set("stageTimestamp", string(received))
	case isTimestamp(recordTime):
		event.set("stageTimestamp", `"`+recordTime+`"`)
	}
}

// markTruncated sets the annotation that the API server sets where it left out parts of an event.
func markTruncated(event *jsonScan) {
	annotations, err := scanObject(event.valueOf("annotations"))
	if err != nil {
		annotations, _ = scanObject([]byte("{}"))
	}
	annotations.set("audit.k8s.io/truncated", `"true"`)
	event.set("annotations", string(annotations.text))
}
