package checkpoint

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestPositionsAreConfirmedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := eventhubtest.NewSink()
		sink.ConfirmTime = time.Hour
		session := sink.OpenSession()
		var p pending
		p.start(session)
		var got []int64
		take := func() { p.takeConfirmed(func(position eventhub.Position) { got = append(got, position.Sequence) }) }
		take()
		p.add(eventhub.Position{Sequence: 0}, 1, nil)
		_, err := session.Deliver(t.Context(), make([]audit.Event, 1))
		require.NoError(t, err)
		p.add(eventhub.Position{Sequence: 1}, 1, nil)
		p.add(eventhub.Position{Sequence: 2}, 1, nil)
		require.Len(t, p.checkpoints, 2, "two with nothing accepted between them are one")
		take()
		assert.Equal(t, []int64{0}, got)
		time.Sleep(sink.ConfirmTime) // the bubble's clock
		take()
		take()
		assert.Equal(t, []int64{0, 2}, got)
	})
}

func TestAPositionWaitsForItsDeadLettersAndNoOtherForMemory(t *testing.T) {
	session := eventhubtest.NewSink().OpenSession() // it confirms at once
	var p pending
	p.start(session)
	var got []int64
	take := func() { p.takeConfirmed(func(position eventhub.Position) { got = append(got, position.Sequence) }) }
	stored := map[int64]bool{}
	add := func(sequence int64, letters bool) {
		_, err := session.Deliver(t.Context(), make([]audit.Event, 1))
		require.NoError(t, err)
		if letters {
			p.add(eventhub.Position{Sequence: sequence}, 1, func() bool { return stored[sequence] })
		} else {
			p.add(eventhub.Position{Sequence: sequence}, 1, nil)
		}
	}
	add(0, false)
	add(1, true)
	for sequence := int64(2); sequence < 100; sequence++ {
		add(sequence, sequence == 50)
	}
	take()
	assert.Equal(t, []int64{0}, got)
	assert.Len(t, p.checkpoints, 2, "1 to 49, and 50 to 99")
	assert.Equal(t, int64(99), p.lastConfirmed().Sequence, "a new session goes on behind them")
	p.start(eventhubtest.NewSink().OpenSession())
	stored[50] = true
	take()
	assert.Equal(t, []int64{0}, got, "the later dead letter alone lets nothing pass")
	stored[1] = true
	take()
	assert.Equal(t, []int64{0, 99}, got)
	assert.Nil(t, p.lastConfirmed())
	unconfirmed, unwritten := p.counts()
	assert.Equal(t, []int{0, 100}, []int{unconfirmed, unwritten})
}
