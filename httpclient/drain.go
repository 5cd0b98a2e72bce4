package httpclient

import (
	"errors"
	"fmt"
	"io"
)

const (
	// drainLimit is how much of an answer is read before its connection is given up. Closing
	// a body that was not read to its end costs the connection; reading without a limit lets
	// the other side keep us for ever.
	drainLimit = 64 << 10
	// headLimit is how much of an answer is kept to tell what was wrong.
	headLimit = 512
)

// Drain reads what is left of an answer's body, 64 KiB at most, closes it, and returns its
// first 512 bytes for a message. Every body must pass through here, on every path, or its
// connection is not used again. An error means that the answer broke off; what had been read
// by then is returned with it. It is no statement about the answer's status, which had
// arrived before.
func Drain(body io.ReadCloser) ([]byte, error) {
	head, err := io.ReadAll(io.LimitReader(body, headLimit))
	if err == nil {
		_, err = io.CopyN(io.Discard, body, drainLimit-headLimit)
		if errors.Is(err, io.EOF) {
			err = nil // shorter than the limit, as it should be
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
