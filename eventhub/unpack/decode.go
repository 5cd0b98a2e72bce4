package unpack

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/audit"
)

// unpackedLimit bounds a gzip body when it is unpacked. Compressed, an event has 1 MB at the most
// and its JSON shrinks to a tenth, as a rule; what is larger than this is not worth the memory of
// a process that holds one such body for each of its partitions.
const unpackedLimit = 16 << 20

var errUnpackedTooLarge = errors.New("the body is too large when it is unpacked")

// records returns the records of a hub event in their order, and more about it where the event
// as a whole is a dead letter.
func (u *Unpacker) Unpack(event eventhub.Event) (records []Record, detail string) {
	if event.Unreadable != "" {
		return []Record{deadRecord(audit.ReasonUnreadable, "", nil)}, event.Unreadable
	}
	body, err := decode(event)
	switch {
	case errors.Is(err, errUnpackedTooLarge):
		return []Record{deadRecord(audit.ReasonTooLarge, "", event.Body)}, err.Error()
	case err != nil:
		return []Record{deadRecord(audit.ReasonBadEncoding, "", event.Body)}, err.Error()
	}
	return u.unpack(body), ""
}

// decode undoes the content encoding. One that is not known is left: if the body is JSON all the
// same it will be used, and if not, it will be kept.
func decode(event eventhub.Event) ([]byte, error) {
	if !strings.EqualFold(strings.TrimSpace(event.Encoding), "gzip") {
		return event.Body, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(event.Body))
	if err != nil {
		return nil, fmt.Errorf("unpack the gzip body: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(reader, unpackedLimit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("unpack the gzip body: %w", err)
	case len(body) > unpackedLimit:
		return nil, errUnpackedTooLarge
	}
	return body, nil
}
