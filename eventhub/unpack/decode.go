package unpack

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"aks-audit-log-go/eventhub"
)

// unpackedLimit is the largest size of a gzip body after it is unpacked, in bytes. A compressed hub event has 1 MB at
// most, and gzip usually shrinks its JSON to a tenth. A larger body is not worth the memory: the process holds one
// such body for each of its partitions.
const unpackedLimit = 16 << 20

var errUnpackedTooLarge = errors.New("the body is too large when it is unpacked")

// decode undoes the content encoding of the body. It returns a body with an unknown encoding unchanged: if the body
// is JSON all the same, it is used, and if not, it becomes a dead letter.
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
