package webhook

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// body is the text of a POST and of its repetitions. Its memory goes round, but not before
// net/http has let go of it, which may be after the answer: a sink that answers early is still
// being written to.
type body struct {
	bytes []byte
	// reading is how many readers of it have not been closed.
	reading atomic.Int64
}

var freeBodies = sync.Pool{New: func() any { return new(body) }}

func newBody() *body {
	b := freeBodies.Get().(*body)
	b.bytes = b.bytes[:0]
	return b
}

// free gives the memory back. Nobody may use b afterwards.
func (b *body) free() {
	if b.reading.Load() == 0 {
		freeBodies.Put(b)
	}
}

// attach makes it the body of a request.
func (b *body) attach(req *http.Request) {
	req.ContentLength = int64(len(b.bytes))
	req.Body = b.reader()
	// net/http asks for another where it finds that an idle connection had been closed.
	req.GetBody = func() (io.ReadCloser, error) { return b.reader(), nil }
}

func (b *body) reader() io.ReadCloser {
	b.reading.Add(1)
	return &bodyReader{Reader: bytes.NewReader(b.bytes), body: b}
}

type bodyReader struct {
	*bytes.Reader
	body   *body
	closed atomic.Bool
}

// Close is called once net/http reads no more.
func (r *bodyReader) Close() error {
	if r.closed.CompareAndSwap(false, true) {
		r.body.reading.Add(-1)
	}
	return nil
}
