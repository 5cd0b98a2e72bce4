package consumer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/partition"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
)

// newWatchedBench returns a bench with the default watchdog.
func newWatchedBench(partitions int) *eventhubtest.Bench {
	b := eventhubtest.NewBench(partitions)
	b.Cfg.WatchdogTimeout = 5 * time.Minute
	b.Health.Watch(b.Cfg.WatchdogTimeout, time.Now)
	return b
}

// lockedHub answers management requests, but one partition cannot be opened until unlocked is closed.
type lockedHub struct {
	*eventhubtest.Hub
	partition string
	// attempts gets a value for each attempt to open that partition.
	attempts chan struct{}
	unlocked chan struct{}
}

func newLockedHub(hub *eventhubtest.Hub, partition string) *lockedHub {
	return &lockedHub{Hub: hub, partition: partition, attempts: make(chan struct{}, 1000), unlocked: make(chan struct{})}
}

func (h *lockedHub) Receive(ctx context.Context, partition string, from eventhub.Position, receiver eventhub.Receiver) error {
	if partition == h.partition {
		h.attempts <- struct{}{}
		select {
		case <-h.unlocked:
		default:
			return errors.New("link refused")
		}
	}
	return h.Hub.Receive(ctx, partition, from, receiver)
}

// forGood is how far in the future an ownership is renewed that must not expire during a test.
const forGood = 24 * time.Hour

func TestAPartitionThatIsWedgedIsSeenThoughTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newWatchedBench(32)
		hub := newLockedHub(b.Hub, "17")
		// The event is appended before the start. If it were appended later, the first management request could come
		// before it, and the next one only after half a minute.
		b.Hub.Append("17", eventhubtest.OneEach("wedged")...)
		stop := startConsumerOn(t, b, hub, b.Store)
		synctest.Wait()
		for range 7 {
			for _, partition := range eventhubtest.PartitionIDs(32) {
				if partition != "17" {
					b.Hub.Append(partition, eventhubtest.OneEach("x")...)
				}
			}
			b.AssertAlive(t)
			time.Sleep(45 * time.Second) // the bubble's clock
		}
		b.AssertWedged(t, "partition 17 has made no progress for")
		assert.Greater(t, len(hub.attempts), 10, "it tries to connect again by itself")
		close(hub.unlocked)
		time.Sleep(time.Minute) // the bubble's clock
		b.AssertAlive(t)
		assert.Contains(t, b.Sink.AuditIDs(), "wedged")
		stop()
		assert.Equal(t, 1, b.LogCount(logrus.ErrorLevel, "consumer makes no progress: /healthz answers 503, so that a liveness probe restarts it"))
		assert.Equal(t, 1, b.LogCount(logrus.InfoLevel, "consumer makes progress again"))
	})
}

func TestAHubThatAnswersNoRequestIsAReasonToRestart(t *testing.T) {
	for name, owner := range map[string]string{"owning": "", "standing by": "another"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newWatchedBench(1)
				if owner != "" {
					b.Store.GiveTo(owner, "0", time.Now().Add(forGood))
				}
				stop := startConsumer(t, b)
				time.Sleep(time.Hour) // the bubble's clock
				b.AssertAlive(t)
				b.Hub.SetUnreachable(errors.New("no route to host"))
				time.Sleep(4 * time.Minute) // the bubble's clock
				b.AssertAlive(t)
				time.Sleep(2 * time.Minute) // the bubble's clock
				b.AssertWedged(t, "the hub has answered no request for")
				b.Hub.SetUnreachable(nil)
				time.Sleep(time.Minute) // the bubble's clock
				b.AssertAlive(t)
				stop()
			})
		})
	}
}

func TestAHubThatIsNotThereAtTheStartIsAReasonToRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newWatchedBench(1)
		b.Hub.SetUnreachable(errors.New("no such host"))
		stop := startConsumer(t, b)
		time.Sleep(4 * time.Minute) // the bubble's clock
		b.AssertAlive(t)
		time.Sleep(time.Minute) // the bubble's clock
		b.AssertWedged(t, "the hub has answered no request for 5m0s")
		stop()
		b.AssertWedged(t, "the hub has answered no request for") // only the daemon calls Stopping
	})
}

func TestASinkThatHangsOrAStoreThatIsAwayIsNoReasonToRestart(t *testing.T) {
	for name, fail := range map[string]func(b *eventhubtest.Bench){
		"the sink hangs": func(b *eventhubtest.Bench) {
			b.Sink.Gate = make(chan struct{})
			b.Hub.Append("0", eventhubtest.OneEach("a", "b")...)
		},
		"the store is away": func(b *eventhubtest.Bench) {
			b.Hub.Append("0", eventhubtest.OneEach("a")...)
		},
		"the store is away and a dead letter must be stored": func(b *eventhubtest.Bench) {
			b.Hub.Append("0", []byte(`{"category":"kube-audit" oops`), eventhubtest.Together("a"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newWatchedBench(1)
				stop := startConsumer(t, b)
				synctest.Wait()
				if name != "the sink hangs" {
					b.Store.Fail(errors.New("503"))
				}
				fail(b)
				for range 24 {
					time.Sleep(time.Hour) // the bubble's clock
					b.AssertAlive(t)
				}
				if b.Sink.Gate != nil {
					close(b.Sink.Gate)
				}
				b.Store.Fail(nil)
				stop()
			})
		})
	}
}

func TestAPartitionOfAnotherReaderIsWatchedNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newWatchedBench(1)
		hub := newLockedHub(b.Hub, "0")
		stop := startConsumerOn(t, b, hub, b.Store)
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		time.Sleep(time.Minute) // the bubble's clock
		b.Store.GiveTo("another", "0", time.Now().Add(forGood))
		time.Sleep(time.Hour) // the bubble's clock
		b.AssertAlive(t)
		stop()
	})
}

func TestTheDaemonHasTimeToConnectAgainBeforeTheWatchdogJudges(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: 30 * time.Second, 5 * time.Minute: 30 * time.Second, 4 * time.Second: time.Second} {
		assert.Equal(t, want, partition.WatchInterval(forwarder.Config{WatchdogTimeout: timeout}, partition.LagInterval), timeout)
	}
}
