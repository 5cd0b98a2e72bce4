package httpclient

import (
	"errors"
	"fmt"
	"io"
)

const (
	// drainLimit is how many bytes of an answer are read. Closing a body that was not read to its end costs the
	// connection. Reading without a limit would let the other side block the caller for ever.
	drainLimit = 64 << 10
	// headLimit is how many bytes of an answer are returned, for a message that says what was wrong.
	headLimit = 512
)

// Drain reads an answer's body, 64 KiB at most, closes it, and returns its first 512 bytes for a message. Every body
// must be drained, on every path, or its connection is not used again. An error means that the body broke off; it
// comes with the bytes that were read before. The error says nothing about the answer's status, which arrived before
// the body.
func Drain(body io.ReadCloser) ([]byte, error) {
	head, err := io.ReadAll(io.LimitReader(body, headLimit))
	if err == nil {
		_, err = io.CopyN(io.Discard, body, drainLimit-headLimit)
		if errors.Is(err, io.EOF) {
			err = nil // the body is shorter than the limit, as usual
		}
	}
	if err != nil {
		err = fmt.Errorf("read answer: %w", err)
	}
	if cerr := body.Close(); cerr != nil && err == nil {
		err = fmt.Errorf("close answer: %w", cerr)
	}
	return head, err
}
