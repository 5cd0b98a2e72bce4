package eventhub

import (
	"errors"
	"slices"
)

// Why an audit event cannot be salvaged.
var (
	errNotCut   = errors.New("the text was not cut")
	errCutShort = errors.New("the text was cut before it said what was done, and by whom")
)

// AKS cuts properties.log at 16 KiB, in the middle of whatever stands there. What came before is
// evidence all the same: a real event begins with kind, level, auditID, stage, requestURI, verb and
// user. That order is not relied on.

// salvage closes an audit event that was cut into a whole one, of what is certain: each value that
// was there whole stays byte for byte, and what is half written (a string, a number that may go on,
// a key) is left out. Objects and arrays keep what they had.
//
// What Falco cannot do without is filled in: kind, and stageTimestamp from
// requestReceivedTimestamp, else from the record's own time. The event is marked as truncated.
func salvage(log []byte, recordTime string) ([]byte, error) {
	s, err := scanObject(log)
	if !errors.Is(err, errCut) {
		return nil, errNotCut
	}
	event := slices.Clone(log[:s.kept])
	for _, closing := range slices.Backward(s.open) {
		event = append(event, closing)
	}
	if !saysWhoDidWhat(s, event) {
		return nil, errCutShort
	}
	return markTruncated(fillIn(event, recordTime)), nil
}

// saysWhoDidWhat says whether a cut event still holds auditID, verb and user. The user is whole, if
// empty as in a request that was not authenticated, or names itself before the cut.
func saysWhoDidWhat(cut *jsonScan, closed []byte) bool {
	_, hasID := cut.member("auditID")
	_, hasVerb := cut.member("verb")
	if _, hasUser := cut.member("user"); hasUser || !hasID || !hasVerb {
		return hasUser && hasID && hasVerb
	}
	user, _ := scanObject(memberOf(closed, "user"))
	_, named := user.member("username")
	return named
}

func fillIn(event []byte, recordTime string) []byte {
	if memberOf(event, "kind") == nil {
		event = withMember(event, "kind", `"Event"`)
	}
	if memberOf(event, "stageTimestamp") != nil {
		return event
	}
	received := memberOf(event, "requestReceivedTimestamp")
	if len(received) > 2 && isTimestamp(string(received[1:len(received)-1])) {
		return withMember(event, "stageTimestamp", string(received))
	}
	if isTimestamp(recordTime) {
		return withMember(event, "stageTimestamp", `"`+recordTime+`"`)
	}
	return event
}

// memberOf returns the text of a member's value, nil where there is none.
func memberOf(object []byte, key string) []byte {
	s, _ := scanObject(object)
	m, found := s.member(key)
	if !found {
		return nil
	}
	return s.valueOf(m)
}

// markTruncated sets the annotation that the API server sets where it left out parts of an event.
func markTruncated(event []byte) []byte {
	annotations := memberOf(event, "annotations")
	if len(annotations) == 0 || annotations[0] != '{' {
		annotations = []byte("{}")
	}
	return withValue(event, "annotations", string(withValue(annotations, "audit.k8s.io/truncated", `"true"`)))
}
