package consumer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestAStopWaitsForSettlingOnlyAsLongAsItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Sink.ConfirmTime = time.Hour
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		stop := startConsumer(t, b)
		b.Sink.Await(1)
		began := time.Now()
		stop()
		assert.Equal(t, workTimeout(b.Cfg.ShutdownTimeout), time.Since(began))
		assert.Equal(t, eventhub.NoSequence, b.Sequence())
		assert.Empty(t, b.Store.Owner("0"))
		b.Sink.ConfirmTime = 0
		stop = startConsumer(t, b)
		assert.Equal(t, []string{"a", "a"}, b.Sink.Await(2))
		stop()
	})
}

func TestADisplacedReaderWaitsForNoSettlingAndWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewConfirmingBench()
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		stop := startConsumer(t, b)
		b.Sink.Await(1)
		b.Store.Move("0", 17)
		b.Hub.Displace()
		synctest.Wait()
		assert.Equal(t, 0.0, b.Metric(t, "aks_audit_log_partitions_owned"))
		time.Sleep(5 * time.Second) // the bubble's clock
		assert.Equal(t, int64(17), b.Sequence())
		stop()
	})
}
