package partition

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/internal/eventhubtest"
)

func TestTheLagIsWhatTheHubHoldsBeyondTheLastVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.Gate = make(chan struct{}, 10)
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c", "d", "e")...)
		stop := startPartitions(t, b)
		b.Sink.Gate <- struct{}{}
		b.Sink.Gate <- struct{}{}
		b.Sink.Await(2)
		time.Sleep(LagInterval + time.Second)
		assert.Equal(t, 3.0, b.Metric(t, `aks_audit_log_partition_lag_events{partition="0"}`))
		b.Hub.Append("0", eventhubtest.OneEach("f")...)
		time.Sleep(LagInterval + time.Second)
		assert.Equal(t, 4.0, b.Metric(t, `aks_audit_log_partition_lag_events{partition="0"}`))
		close(b.Sink.Gate)
		b.Sink.Await(6)
		stop()
	})
}
