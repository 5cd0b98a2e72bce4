package httpclient

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// body counts the bytes read, and records whether it was closed.
type body struct {
	io.Reader
	read     int
	closed   bool
	closeErr error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

func (b *body) Close() error {
	b.closed = true
	return b.closeErr
}

func TestDrain(t *testing.T) {
	broken := errors.New("connection reset")
	for _, test := range []struct {
		name     string
		body     body
		wantHead string
		wantRead int
		wantErr  error
	}{
		{name: "empty", body: body{Reader: strings.NewReader("")}},
		{name: "short", body: body{Reader: strings.NewReader("no such path")}, wantHead: "no such path", wantRead: 12},
		{
			name: "longer than the head", body: body{Reader: strings.NewReader(strings.Repeat("x", 2000))},
			wantHead: strings.Repeat("x", headLimit), wantRead: 2000,
		},
		{
			name: "endless", body: body{Reader: endless{}},
			wantHead: strings.Repeat("x", headLimit), wantRead: drainLimit, wantErr: ErrTooLong,
		},
		{
			name: "broken off at once", body: body{Reader: iotest.ErrReader(broken)},
			wantErr: broken,
		},
		{
			name: "broken off in the middle", body: body{Reader: io.MultiReader(strings.NewReader("part"), iotest.ErrReader(broken))},
			wantHead: "part", wantRead: 4, wantErr: broken,
		},
		{
			name: "broken off after the head", body: body{Reader: io.MultiReader(strings.NewReader(strings.Repeat("x", 600)), iotest.ErrReader(io.ErrUnexpectedEOF))},
			wantHead: strings.Repeat("x", headLimit), wantRead: 600, wantErr: io.ErrUnexpectedEOF,
		},
		{
			name: "cannot be closed", body: body{Reader: strings.NewReader("ok"), closeErr: broken},
			wantHead: "ok", wantRead: 2, wantErr: broken,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			head, err := Drain(&test.body)
			require.ErrorIs(t, err, test.wantErr)
			assert.Equal(t, test.wantHead, string(head))
			assert.Equal(t, test.wantRead, test.body.read)
			assert.True(t, test.body.closed)
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
