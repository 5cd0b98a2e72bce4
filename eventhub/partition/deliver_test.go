package partition

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestWhileAPostIsOnItsWayTheNextBatchGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.Gate, b.Sink.BatchSize = make(chan struct{}), 400
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		stop := startPartitions(t, b)
		<-b.Sink.Entered
		b.Hub.Append("0", eventhubtest.Together("b", "c"), otherCategory, eventhubtest.Together("d"))
		synctest.Wait()
		close(b.Sink.Gate)
		assert.Equal(t, []string{"a", "b", "c", "d"}, b.Sink.Await(4))
		stop()
		assert.Equal(t, []int{1, 3}, b.Sink.Offered(), "the first does not wait, and then all that arrived is sent")
		assert.Equal(t, int64(3), b.Sequence())
	})
}

func TestNoMoreThanABatchIsGatheredAhead(t *testing.T) {
	for name, limit := range map[string]func(*forwarder.Config){
		"events": func(cfg *forwarder.Config) { cfg.PostBatchMaxEvents = 10 },
		"bytes":  func(cfg *forwarder.Config) { cfg.PostBatchMaxBytes = 10 * len(eventhubtest.Audit("000")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := eventhubtest.NewBench(1)
				limit(&b.Cfg)
				b.Sink.Gate = make(chan struct{})
				for i := range 100 {
					id := func(n int) string { return fmt.Sprintf("%03d", 3*i+n) }
					b.Hub.Append("0", eventhubtest.Together(id(0), id(1), id(2)))
				}
				stop := startPartitions(t, b)
				<-b.Sink.Entered
				synctest.Wait()
				received := b.Metric(t, `aks_audit_log_hub_events_total{partition="0"}`)
				assert.LessOrEqual(t, received, 4+4+4.0, "gathered at first, added to the batch, and gathered since")
				assert.GreaterOrEqual(t, received, 4.0)
				close(b.Sink.Gate)
				assert.Len(t, b.Sink.Await(300), 300)
				stop()
			})
		})
	}
}

func TestTheCheckpointPassesAHubEventWhenAllOfItsRecordsHaveTheirVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.Gate, b.Sink.BatchSize = make(chan struct{}, 10), 2
		// Batches of two cut the hub events of three in the middle.
		b.Hub.Append("0", eventhubtest.Together("a", "b", "c"), eventhubtest.Together("d", "e", "f"))
		stop := startPartitions(t, b)
		const none = eventhub.NoSequence
		for delivered, want := range []int64{none, none, none, none, 0, 0, 1} {
			time.Sleep(2 * b.Cfg.CheckpointInterval) // the bubble's clock
			assert.Equal(t, want, b.Sequence(), "after %d", delivered)
			if delivered < 6 {
				b.Sink.Gate <- struct{}{}
			}
		}
		stop()
	})
}

func TestAStopFinishesTheHubEventThatTheSinkHasAPartOfAndLeavesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.Gate, b.Sink.BatchSize = make(chan struct{}), 2
		b.Hub.Append("0", eventhubtest.Together("a", "b", "c"), eventhubtest.Together("d", "e", "f"), eventhubtest.Together("g", "h", "i"))
		stop := startPartitions(t, b)
		<-b.Sink.Entered
		go func() {
			time.Sleep(time.Second) // the stop comes first
			close(b.Sink.Gate)
		}()
		stop()
		assert.Equal(t, []string{"a", "b", "c"}, b.Sink.AuditIDs(), "c alone, so that a and b do not come twice")
		assert.Equal(t, int64(0), b.Sequence())

		stop = startPartitions(t, b)
		assert.Equal(t, []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}, b.Sink.Await(9), "each once")
		stop()
	})
}

func TestAHubEventWithNothingToDeliverPassesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", otherCategory, nil, []byte(`{"category":"kube-audit" oops`))
		stop := startPartitions(t, b)
		time.Sleep(2 * b.Cfg.CheckpointInterval) // the bubble's clock
		assert.Equal(t, int64(2), b.Sequence())
		assert.Empty(t, b.Sink.Offered())
		stop()
	})
}

// A backlog is delivered far faster than CHECKPOINTINTERVAL passes.
func TestManyConfirmedAuditEventsAreCheckpointedBeforeTheIntervalIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Cfg.CheckpointInterval = time.Hour
		b.Sink.Entered = make(chan struct{}, 2100)
		for range 700 {
			b.Hub.Append("0", eventhubtest.Together("a", "b", "c"))
		}
		stop := startPartitions(t, b)
		time.Sleep(2 * time.Second) // the bubble's clock
		assert.GreaterOrEqual(t, b.Sequence(), int64(66), "200 audit events are confirmed")
		stop()
		assert.Equal(t, int64(699), b.Sequence())
	})
}

// checkpointsOnly is a store that fails to store dead letters.
type checkpointsOnly struct{ *eventhubtest.Store }

func (checkpointsOnly) StoreDeadLetters(context.Context, []eventhub.DeadLetter) error {
	return errors.New("no space for dead letters")
}

// A hub event may be handed over at the moment of the stop.
func TestWhatIsHandedOverAfterAStopPassesNoDeadLetterThatCouldNotBeStored(t *testing.T) {
	b := eventhubtest.NewBench(1)
	p := New("0", NewShared(b.Cfg, b.Hub, checkpointsOnly{b.Store}, b.Sink, b.Stats, b.Health, b.Log))
	session := b.Sink.OpenSession()
	p.checkpoints.StartSession(session)
	gathered := make(chan []*hubEvent, 2)
	gathered <- []*hubEvent{p.unpack(t.Context(), eventhub.Event{Sequence: 0, Body: []byte(`{"category":"kube-audit" oops`)})}
	gathered <- []*hubEvent{p.unpack(t.Context(), eventhub.Event{Sequence: 1, Body: otherCategory})}
	close(gathered)
	drain, startDrain := context.WithCancel(t.Context())
	startDrain()
	p.deliver(t.Context(), drain, session, gathered)
	require.NoError(t, p.checkpoints.Flush(t.Context()))
	assert.Equal(t, eventhub.NoSequence, b.Sequence(), "the checkpoint passes nothing")
}

// The session is lost within a batch and a hub event, and again while these are read again.
func TestARedeliveryCountsAsADelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.ConfirmTime = time.Hour
		b.Sink.Gate, b.Sink.BatchSize = make(chan struct{}, 100), 2
		b.Hub.Append("0", eventhubtest.Together("a", "b", "c"),
			eventhubtest.HubBody(
				eventhubtest.AuditRecord("kube-audit", "klog"),
				eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("d")),
				eventhubtest.AuditRecord("guard", "klog"),
				eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("e")),
			))
		stop := startPartitions(t, b)
		for _, passing := range []int{4, 2, 0} {
			for range passing {
				b.Sink.Gate <- struct{}{}
			}
			synctest.Wait()
			b.Sink.Lose()
			synctest.Wait()
		}
		close(b.Sink.Gate)
		b.Sink.Await(4 + 2 + 5)
		synctest.Wait()
		assert.Equal(t, []string{"a", "b", "c", "d", "a", "b", "a", "b", "c", "d", "e"}, b.Sink.AuditIDs())
		for verdict, want := range map[string]float64{"delivered": 11, "dead_lettered": 1, "skipped": 1} {
			assert.InDelta(t, want, b.Metric(t, fmt.Sprintf(`aks_audit_log_records_total{verdict=%q}`, verdict)), 0, verdict)
		}
		assert.InDelta(t, 2+5, b.Metric(t, "aks_audit_log_replayed_events_total"), 0, "of hub events that were received before")
		assert.InDelta(t, 2, b.Metric(t, `aks_audit_log_hub_events_total{partition="0"}`), 0)
		assert.Zero(t, b.Metric(t, `aks_audit_log_missing_events_total{partition="0"}`))
		close(b.Sink.Stop)
		stop()
	})
}
