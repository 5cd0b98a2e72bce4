package tail

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALineIsWrittenAsSoonAsNoOtherWaits(t *testing.T) {
	reader, writer := io.Pipe()
	l := startLines(writer)
	buffer := make([]byte, 100)
	for _, line := range []string{"a\n", "b\n"} {
		require.NoError(t, l.print(t.Context(), []byte(line)))
		n, err := reader.Read(buffer)
		require.NoError(t, err)
		assert.Equal(t, line, string(buffer[:n]))
	}
	require.NoError(t, l.end(t.Context()))
}

// fullDisk takes nothing.
type fullDisk struct{}

var errFull = errors.New("no space left on device")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestAFailedWriteEndsPrinting(t *testing.T) {
	l := startLines(fullDisk{})
	require.NoError(t, l.print(t.Context(), []byte("a\n")))
	<-l.ended
	for len(l.queue) < cap(l.queue) {
		l.queue <- nil // nobody takes it
	}
	require.ErrorIs(t, l.print(t.Context(), []byte("b\n")), errFull)
	require.ErrorIs(t, l.end(t.Context()), errFull)
}

func TestAPipeThatNobodyReadsDoesNotHoldUpTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		l := startLines(writer)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		for ctx.Err() == nil {
			require.NoError(t, l.print(ctx, []byte("a\n")))
		}
		began := time.Now()
		require.NoError(t, l.end(ctx))
		assert.Equal(t, endLimit, time.Since(began))
		_ = reader.Close()
	})
}
