package unpack

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/unpack/jsonscan"
)

var errUnpackedTooLarge = errors.New("the body is too large when it is unpacked")

// decode undoes the content encoding of the body. It returns a body with an unknown encoding unchanged: that body is
// used if it is JSON, and otherwise becomes a dead letter. decode stops unpacking a gzip body at unpackedLimit and
// maxValues, so that a small body that unpacks to a huge one costs little. Beyond usualSize it waits for its turn; if
// ctx ends before, it fails with the cause of ctx.
func decode(ctx context.Context, event eventhub.Event, t *turn) ([]byte, error) {
	if !strings.EqualFold(strings.TrimSpace(event.Encoding), "gzip") {
		return event.Body, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(event.Body))
	if err != nil {
		return nil, fmt.Errorf("unpack the gzip body: %w", err)
	}
	body := make([]byte, 0, min(4*len(event.Body), usualSize)+1)
	var values jsonscan.Counter
	for {
		if len(body) == cap(body) {
			body = slices.Grow(body, 1)
		}
		n, err := reader.Read(body[len(body):cap(body)])
		values.Add(body[len(body) : len(body)+n])
		body = body[:len(body)+n]
		switch {
		case values.Values > maxValues:
			return nil, errTooManyValues
		case len(body) > unpackedLimit:
			return nil, errUnpackedTooLarge
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, fmt.Errorf("unpack the gzip body: %w", err)
		case len(body) > usualSize:
			if err := t.take(ctx, unpacking); err != nil {
				return nil, err
			}
		}
	}
}
