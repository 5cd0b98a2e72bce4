package httpclient

import (
	"errors"
	"fmt"
	"io"
)

const (
	// drainLimit is how many bytes of an answer are read. Closing a body before its end costs the connection. Reading
	// without a limit would let the other side block the caller for as long as the request may take.
	drainLimit = 1 << 20
	// headLimit is how many bytes of an answer are returned for a message.
	headLimit = 512
)

// ErrTooLong means that an answer was longer than 1 MiB, so its connection is closed.
var ErrTooLong = errors.New("the answer is longer than 1 MiB")

// Drain reads an answer's body, at most 1 MiB, closes it, and returns its first 512 bytes for a message. Every body
// must be drained, on every path, or its connection is not reused. The error is ErrTooLong, or means that the body
// broke off, and comes with the bytes read before. The error says nothing about the answer's status, which arrived
// before the body.
func Drain(body io.ReadCloser) ([]byte, error) {
	head, err := io.ReadAll(io.LimitReader(body, headLimit))
	if err == nil {
		_, err = io.CopyN(io.Discard, body, drainLimit-headLimit)
		switch {
		case errors.Is(err, io.EOF):
			err = nil // the body is shorter than the limit, as usual
		case err == nil:
			err = ErrTooLong
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
