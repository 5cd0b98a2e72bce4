package unpack

import (
	"errors"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
	"aks-audit-log-go/forwarder/audit"
)

// mend makes an audit event that Falco takes of one that it would lose, for the reason given: one
// that was cut is salvaged, one too large or too deep is reduced. The reason returned is why that
// did not work. The event gets the note.
func (u *Unpacker) repairOrTruncate(log []byte, reason, recordTime string, note clusterTag) (Record, string) {
	mended := Record{Content: note.addTo(log)}
	if reason == audit.ReasonNotJSON || reason == audit.ReasonTooDeep {
		salvaged, err := repair(log, recordTime)
		switch {
		case errors.Is(err, errCutShort):
			return Record{}, audit.ReasonCut
		case err == nil:
			mended.Content, mended.Repaired = note.addTo(salvaged), true
			mended.AuditID, reason = u.CheckAudit(mended.Content)
		}
	}
	if reason != audit.ReasonTooLarge && reason != audit.ReasonTooDeep {
		return mended, reason
	}
	mended.Original, mended.Reason = log, reason
	reduced, fits := truncate(mended.Content, func(event []byte) bool {
		mended.AuditID, reason = u.CheckAudit(event)
		return reason == ""
	})
	if !fits {
		return Record{}, reason
	}
	mended.Content = reduced
	return mended, ""
}

// reduce leaves out of an audit event what the API server's own truncation leaves out, and marks it
// as the API server does: responseObject, and if fits still says no, requestObject too. All else
// stays byte for byte. It returns false where that does not help.
//
// It does not parse: what is nested too deep for Falco's parser is too deep for ours as well.
func truncate(event []byte, fits func([]byte) bool) ([]byte, bool) {
	for _, key := range []string{"responseObject", "requestObject"} {
		whole, err := jsonscan.ScanObject(event)
		if err != nil || !whole.Has(key) {
			continue
		}
		event = whole.Without(key)
		reduced, _ := jsonscan.ScanObject(event)
		markTruncated(reduced)
		if fits(reduced.Text()) {
			return reduced.Text(), true
		}
	}
	return nil, false
}
