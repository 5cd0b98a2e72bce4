package eventhub

import (
	"errors"

	"aks-audit-log-go/forwarder"
)

// mend makes an audit event that Falco takes of one that it would lose, for the reason given: one
// that was cut is salvaged, one too large or too deep is reduced. The reason returned is why that
// did not work. The event gets the note.
func (u *unpacker) mend(log []byte, reason, recordTime string, note clusterNote) (record, string) {
	mended := record{content: note.addTo(log)}
	if reason == forwarder.ReasonNotJSON || reason == forwarder.ReasonTooDeep {
		salvaged, err := salvage(log, recordTime)
		switch {
		case errors.Is(err, errCutShort):
			return record{}, forwarder.ReasonCut
		case err == nil:
			mended.content, mended.salvaged = note.addTo(salvaged), true
			mended.auditID, reason = u.checkAudit(mended.content)
		}
	}
	if reason != forwarder.ReasonTooLarge && reason != forwarder.ReasonTooDeep {
		return mended, reason
	}
	mended.original, mended.reason = log, reason
	reduced, fits := reduce(mended.content, func(event []byte) bool {
		mended.auditID, reason = u.checkAudit(event)
		return reason == ""
	})
	if !fits {
		return record{}, reason
	}
	mended.content = reduced
	return mended, ""
}

// reduce leaves out of an audit event what the API server's own truncation leaves out, and marks it
// as the API server does: responseObject, and if fits still says no, requestObject too. All else
// stays byte for byte. It returns false where that does not help.
//
// It does not parse: what is nested too deep for Falco's parser is too deep for ours as well.
func reduce(event []byte, fits func([]byte) bool) ([]byte, bool) {
	for _, key := range []string{"responseObject", "requestObject"} {
		whole, err := scanObject(event)
		if err != nil || whole.valueOf(key) == nil {
			continue
		}
		event = whole.without(key)
		reduced, _ := scanObject(event)
		markTruncated(reduced)
		if fits(reduced.text) {
			return reduced.text, true
		}
	}
	return nil, false
}
