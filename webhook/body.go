package webhook

import (
	"io"
	"net/http"

	"aks-audit-log-go/forwarder/audit"
)

// The envelope of a batch is what a Kubernetes API server itself sends. Of an EventList Falco
// loses only a bad item; of a bare array it would lose all.
const (
	listHead = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[`
	listTail = `]}`
)

// body is the text of a POST and of its repetitions. It is never put together: net/http reads it
// out of the audit events. After an answer that comes early, and after a POST that was given up, it
// may still do so, so nobody may write into the JSON of an audit event.
type body struct {
	items [][]byte
	// list is whether they stand in a list; else there is one only.
	list bool
	size int
}

func newBody(events []audit.Event, list bool) body {
	b := body{items: make([][]byte, len(events)), list: list}
	for n := range events {
		b.items[n] = events[n].JSON
		b.size += len(b.items[n])
	}
	if list {
		b.size += envelope(len(events))
	}
	return b
}

// envelope is how many bytes a list of n events has beside these.
func envelope(n int) int { return len(listHead) + n - 1 + len(listTail) }

// part is the n-th piece of the text, from 0: what stands before an event, or the event. Behind
// the last event there is one more.
func (b body) part(n int) (text string, event []byte) {
	switch {
	case n%2 == 1:
		return "", b.items[n/2]
	case !b.list:
		return "", nil
	case n == 0:
		return listHead, nil
	case n == 2*len(b.items):
		return listTail, nil
	default:
		return ",", nil
	}
}

// attach makes it the body of a request.
func (b body) attach(req *http.Request) {
	req.ContentLength = int64(b.size)
	req.Body = &bodyReader{body: b}
	// net/http asks for another where it finds that an idle connection had been closed.
	req.GetBody = func() (io.ReadCloser, error) { return &bodyReader{body: b}, nil }
}

// bytes puts the text together.
func (b body) bytes() []byte {
	text := make([]byte, b.size)
	_, _ = io.ReadFull(&bodyReader{body: b}, text)
	return text
}

// bodyReader reads a body from its beginning.
type bodyReader struct {
	body
	// next is the part that is being read, and done how much of it has been.
	next, done int
}

// Read implements io.Reader.
func (r *bodyReader) Read(to []byte) (n int, err error) {
	for n < len(to) {
		if r.next > 2*len(r.items) {
			return n, io.EOF
		}
		text, event := r.part(r.next)
		copied := copy(to[n:], text[min(r.done, len(text)):]) + copy(to[n:], event[min(r.done, len(event)):])
		n += copied
		r.done += copied
		if r.done == len(text)+len(event) {
			r.next, r.done = r.next+1, 0
		}
	}
	return n, nil
}

// Close implements io.Closer.
func (r *bodyReader) Close() error { return nil }
