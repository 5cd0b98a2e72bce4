package consumer

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestAFailureToFindTheStartCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Cfg.StartPosition = forwarder.StartPosition{Kind: forwarder.StartAtTime, Time: eventhubtest.Noon}
		b.Hub.Append("0", eventhubtest.OneEach("a", "b")...)
		b.Hub.FailReceives(errors.New("away"))
		stop := startConsumer(t, b)
		synctest.Wait()
		_, text := b.Health.Ready()
		assert.Equal(t, "not ready: no partition is read yet: the hub has opened none", text)
		b.Sink.Await(1)
		ready, text := b.Health.Ready()
		assert.True(t, ready, text)
		stop()
	})
}
