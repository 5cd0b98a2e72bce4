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
