package checkpoint

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestPositionsAreConfirmedInOrder(t *testing.T) {
	session := &eventhubtest.Session{Sink: &eventhubtest.Sink{}, LostSignal: make(chan struct{})}
	var p pending
	p.start(session)
	var got []int64
	take := func() { p.takeConfirmed(func(position eventhub.Position) { got = append(got, position.Sequence) }) }
	take()
	p.add(eventhub.Position{Sequence: 0})
	session.ConfirmTime = time.Hour
	session.Accept()
	p.add(eventhub.Position{Sequence: 1})
	p.add(eventhub.Position{Sequence: 2})
	require.Len(t, p.checkpoints, 2, "two with nothing accepted in between are one")
	take()
	assert.Equal(t, []int64{0}, got)
	session.ConfirmedUpTo = 1
	take()
	take()
	assert.Equal(t, []int64{0, 2}, got)
}
