package eventhub

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/forwarder"
)

// together is a hub event with many audit events.
func together(ids ...string) []byte {
	var records []string
	for _, id := range ids {
		records = append(records, auditRecord("kube-audit", audit(id)))
	}
	return hubBody(records...)
}

// sequenceOf is where the checkpoint of partition 0 stands, noSequence where there is none.
func (b *bench) sequenceOf() int64 {
	checkpoint, known := b.store.checkpoint("0")
	if !known {
		return noSequence
	}
	return checkpoint.Sequence
}

func (s *memorySink) offers() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.offered...)
}

func TestWhileAPostIsOnItsWayTheNextBatchGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.gate, b.sink.atATime = make(chan struct{}), 400
		b.hub.append("0", oneEach("a")...)
		stop := b.start(t)
		<-b.sink.entered
		b.hub.append("0", together("b", "c"), hubBody(auditRecord("guard", "klog")), together("d"))
		synctest.Wait()
		close(b.sink.gate)
		assert.Equal(t, []string{"a", "b", "c", "d"}, b.sink.await(4))
		stop()
		assert.Equal(t, []int{1, 3}, b.sink.offers(), "nothing waits, and then all that is there goes")
		assert.Equal(t, int64(3), b.sequenceOf())
	})
}

func TestNoMoreThanABatchIsGatheredAhead(t *testing.T) {
	for name, limit := range map[string]func(*forwarder.Config){
		"events": func(cfg *forwarder.Config) { cfg.PostBatchMaxEvents = 10 },
		"bytes":  func(cfg *forwarder.Config) { cfg.PostBatchMaxBytes = 10 * len(audit("000")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(1)
				limit(&b.cfg)
				b.sink.gate = make(chan struct{})
				for i := range 100 {
					b.hub.append("0", together(fmt.Sprintf("%03d", 3*i), fmt.Sprintf("%03d", 3*i+1), fmt.Sprintf("%03d", 3*i+2)))
				}
				stop := b.start(t)
				<-b.sink.entered
				synctest.Wait()
				received := b.metric(t, "aks_audit_log_hub_events_total", "0")
				assert.LessOrEqual(t, received, 4+4+4.0, "what was gathered at first, what came with it into the batch, and one gathered")
				assert.GreaterOrEqual(t, received, 4.0)
				close(b.sink.gate)
				assert.Len(t, b.sink.await(300), 300)
				stop()
			})
		})
	}
}

func TestTheCheckpointPassesAHubEventWhenAllOfItsRecordsHaveTheirVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.gate, b.sink.atATime = make(chan struct{}, 10), 2
		// Batches of two cut the hub events of three in the middle.
		b.hub.append("0", together("a", "b", "c"), together("d", "e", "f"))
		stop := b.start(t)
		for delivered, want := range []int64{noSequence, noSequence, noSequence, noSequence, 0, 0, 1} {
			time.Sleep(2 * b.cfg.CheckpointInterval)
			assert.Equal(t, want, b.sequenceOf(), "after %d", delivered)
			if delivered < 6 {
				b.sink.gate <- struct{}{}
			}
		}
		stop()
	})
}

func TestAStopFinishesTheHubEventThatTheSinkHasAPartOfAndLeavesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.gate, b.sink.atATime = make(chan struct{}), 2
		b.hub.append("0", together("a", "b", "c"), together("d", "e", "f"), together("g", "h", "i"))
		stop := b.start(t)
		<-b.sink.entered
		go func() {
			time.Sleep(time.Second) // the stop comes first
			close(b.sink.gate)
		}()
		stop()
		assert.Equal(t, []string{"a", "b", "c"}, b.sink.all(), "c alone, so that a and b do not come twice")
		assert.Equal(t, int64(0), b.sequenceOf())

		stop = b.start(t)
		assert.Equal(t, []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}, b.sink.await(9), "each once")
		stop()
	})
}

func TestAHubEventWithNothingToDeliverPassesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.hub.append("0", hubBody(auditRecord("guard", "klog")), nil, []byte("{oops"))
		stop := b.start(t)
		time.Sleep(2 * b.cfg.CheckpointInterval)
		assert.Equal(t, int64(2), b.sequenceOf())
		assert.Empty(t, b.sink.offers())
		stop()
	})
}

// letterless is a store that takes everything but dead letters.
type letterless struct{ *memoryStore }

var errNoLetters = errors.New("no dead letters today")

func (letterless) StoreDeadLetter(context.Context, DeadLetter) error { return errNoLetters }

// It may be handed over in the very moment of the stop.
func TestWhatIsHandedOverAfterAStopPassesNoDeadLetterThatCouldNotBeStored(t *testing.T) {
	b := newBench(1)
	p := newPartition("0", New(b.cfg, b.hub, letterless{b.store}, b.sink, b.stats, b.health, b.log))
	lane := b.sink.Lane()
	p.checkpoints.settling.begin(lane)
	gathered := make(chan []*hubEvent, 2)
	gathered <- []*hubEvent{p.unpack(Event{Sequence: 0, Body: []byte("{oops")})}
	gathered <- []*hubEvent{p.unpack(Event{Sequence: 1, Body: of("guard", "klog")})}
	close(gathered)
	stop, end := context.WithCancel(t.Context())
	end()
	p.deliver(stop, t.Context(), lane, gathered)
	p.checkpoints.settling.settle(func(passed Checkpoint) { t.Errorf("the checkpoint passes %d", passed.Sequence) })
}

// A loss in the middle of a batch, and of a hub event, and again while that is being read again.
func TestWhatIsReadAgainAfterALossIsCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.settleTime = time.Hour
		b.sink.gate, b.sink.atATime = make(chan struct{}, 100), 2
		b.hub.append("0", together("a", "b", "c"),
			hubBody(auditRecord("kube-audit", "klog"), auditRecord("kube-audit", audit("d")), auditRecord("guard", "klog"), auditRecord("kube-audit", audit("e"))))
		stop := b.start(t)
		for _, passing := range []int{4, 2, 0} {
			for range passing {
				b.sink.gate <- struct{}{}
			}
			synctest.Wait()
			b.sink.lose()
			synctest.Wait()
		}
		close(b.sink.gate)
		b.sink.await(4 + 2 + 5)
		synctest.Wait()
		assert.Equal(t, []string{"a", "b", "c", "d", "a", "b", "a", "b", "c", "d", "e"}, b.sink.all())
		for verdict, want := range map[string]float64{"delivered": 5, "dead_lettered": 1, "skipped": 1} {
			assert.InDelta(t, want, b.metric(t, "aks_audit_log_records_total", verdict), 0, verdict)
		}
		assert.InDelta(t, 2, b.metric(t, "aks_audit_log_hub_events_total", "0"), 0)
		assert.Zero(t, b.metric(t, "aks_audit_log_missing_events_total", "0"))
		close(b.sink.stop)
		stop()
	})
}
