// Package body makes the body of a POST from audit events. It copies only small bodies together.
package body

import (
	"bytes"
	"io"
	"net/http"

	"aks-audit-log-go/forwarder/audit"
)

// listHead and listTail enclose the events of a batch, as in the lists of a Kubernetes API server. Falco drops only
// the bad item of an EventList, but all items of a bare array.
const (
	listHead = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[`
	listTail = `]}`
)

// Body is the body of a POST and of its retries. A large one is never copied together: net/http reads it from the JSON
// of the audit events. It may still read after an early answer or an abandoned POST, so the JSON of an audit event
// must never be changed.
type Body struct {
	items [][]byte
	// list is whether the items are in an EventList. Otherwise there is one item.
	list bool
	// Size is the length in bytes.
	Size int
}

// New returns a body with an EventList, or with the only event if list is false.
func New(events []audit.Event, list bool) Body {
	b := Body{items: make([][]byte, len(events)), list: list}
	for n := range events {
		b.items[n] = events[n].JSON
		b.Size += len(b.items[n])
	}
	if list {
		b.Size += Envelope(len(events))
	}
	return b
}

// Of returns a body with this text.
func Of(text string) Body { return Body{items: [][]byte{[]byte(text)}, Size: len(text)} }

// EmptyList is a body with an EventList without events.
func EmptyList() Body { return Of(listHead + listTail) }

// Envelope returns how many bytes an EventList of n events has in addition to the events.
func Envelope(n int) int { return len(listHead) + n - 1 + len(listTail) }

// part returns the n-th part of the body, from 0. Odd parts are the events, even ones the text between them. The last
// part is the text after the last event.
func (b Body) part(n int) (text string, event []byte) {
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

// smallSize is the largest body that is copied for one write. For a reader of its own kind, net/http writes the header
// separately, which costs more than the copy.
const smallSize = 32 << 10

// Attach makes b the body of an HTTP request.
func (b Body) Attach(req *http.Request) {
	open := func() (io.ReadCloser, error) { return &bodyReader{body: b}, nil }
	if b.Size <= smallSize {
		text := b.Bytes()
		open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	}
	req.ContentLength = int64(b.Size)
	req.Body, _ = open() // it does not fail
	req.GetBody = open   // net/http calls it if it finds that an idle connection had been closed
}

// Bytes returns the whole body.
func (b Body) Bytes() []byte {
	text := make([]byte, b.Size)
	_, _ = io.ReadFull(&bodyReader{body: b}, text)
	return text
}

type bodyReader struct {
	body Body
	// next is the number of the part that is being read. done is how many of its bytes have been read.
	next, done int
}

func (r *bodyReader) Read(to []byte) (n int, err error) {
	for n < len(to) {
		if r.next > 2*len(r.body.items) {
			return n, io.EOF
		}
		text, event := r.body.part(r.next)
		copied := copy(to[n:], text[min(r.done, len(text)):]) + copy(to[n:], event[min(r.done, len(event)):])
		n += copied
		r.done += copied
		if r.done == len(text)+len(event) {
			r.next, r.done = r.next+1, 0
		}
	}
	return n, nil
}

func (r *bodyReader) Close() error { return nil }
