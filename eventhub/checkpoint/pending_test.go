package checkpoint

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestPositionsThatWaitForSettlingAreHandedOnInOrder(t *testing.T) {
	lane := &eventhubtest.Session{Sink: &eventhubtest.Sink{}, LostSignal: make(chan struct{})}
	var s pending
	s.Start(lane)
	var got []int64
	settle := func() { s.TakeConfirmed(func(c eventhub.Checkpoint) { got = append(got, c.Sequence) }) }
	settle()
	s.Add(eventhub.Event{Sequence: 0})
	lane.ConfirmTime = time.Hour
	lane.Accept()
	s.Add(eventhub.Event{Sequence: 1})
	s.Add(eventhub.Event{Sequence: 2})
	require.Len(t, s.waiting, 2, "two behind the same ticket are one")
	settle()
	assert.Equal(t, []int64{0}, got)
	lane.ConfirmedUpTo = 1
	settle()
	settle()
	assert.Equal(t, []int64{0, 2}, got)
}
