package body

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
)

// net/http reads a body in pieces of any size.
func TestABodyIsTheSameHoweverItIsRead(t *testing.T) {
	const three = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"n":0},{"n":1},{"n":2}]}`
	var events []audit.Event
	for n := range 3 {
		events = append(events, audit.Event{JSON: fmt.Appendf(nil, `{"n":%d}`, n)})
	}
	for piece := 1; piece < 200; piece++ {
		var read []byte
		reader := &bodyReader{body: New(events, true)}
		for buffer := make([]byte, piece); ; {
			n, err := reader.Read(buffer)
			read = append(read, buffer[:n]...)
			if err != nil {
				require.ErrorIs(t, err, io.EOF)
				break
			}
			require.Positive(t, n)
		}
		require.Equal(t, three, string(read))
		require.Len(t, read, New(events, true).Size)
	}
	assert.Equal(t, `{"n":0}`, string(New(events[:1], false).Bytes()))
	assert.Equal(t, "[]", string(Of("[]").Bytes()))
}
