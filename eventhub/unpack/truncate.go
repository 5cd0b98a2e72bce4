package unpack

import "aks-audit-log-go/eventhub/unpack/jsonscan"

// truncate removes the members of an audit event that the API server's own truncation removes, and marks the event as
// the API server does. It removes responseObject, and then requestObject if the event still does not fit. All other
// bytes stay. It returns nil if the event does not fit even then.
//
// truncate does not parse the event: an event that is too deep for Falco's parser is too deep for the general parser.
func truncate(event []byte, fits func(event []byte) bool) []byte {
	for _, key := range []string{"responseObject", "requestObject"} {
		object, err := jsonscan.ScanObject(event)
		if err != nil || !object.Has(key) {
			continue
		}
		event = object.Without(key)
		truncated, _ := jsonscan.ScanObject(event)
		markTruncated(truncated)
		if fits(truncated.Text()) {
			return truncated.Text()
		}
	}
	return nil
}
