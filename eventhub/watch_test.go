package eventhub

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/forwarder"
)

// newWatchedBench is a bench with the default watchdog.
func newWatchedBench(partitions int) *bench {
	b := newBench(partitions)
	b.cfg.WatchdogTimeout = 5 * time.Minute
	b.health.Watch(b.cfg.WatchdogTimeout, time.Now)
	return b
}

func (b *bench) assertAlive(t *testing.T) {
	t.Helper()
	alive, why := b.health.Alive()
	assert.True(t, alive, why)
}

func (b *bench) assertWedged(t *testing.T, why string) {
	t.Helper()
	alive, got := b.health.Alive()
	assert.False(t, alive)
	assert.Contains(t, got, why)
}

// logs counts the lines of a level with a message.
func (b *bench) logs(level logrus.Level, message string) int {
	count := 0
	for _, entry := range b.logged.AllEntries() {
		if entry.Level == level && entry.Message == message {
			count++
		}
	}
	return count
}

// lockedHub is a hub that answers questions, but whose partition cannot be opened while it is
// locked.
type lockedHub struct {
	*memoryHub
	partition string
	opened    chan struct{}
	locked    chan struct{}
}

func newLockedHub(hub *memoryHub, partition string) *lockedHub {
	return &lockedHub{memoryHub: hub, partition: partition, opened: make(chan struct{}, 1000), locked: make(chan struct{})}
}

func (h *lockedHub) Receive(ctx context.Context, partition string, from Position, handle Handler) error {
	if partition == h.partition {
		h.opened <- struct{}{}
		select {
		case <-h.locked:
		default:
			return errors.New("link refused")
		}
	}
	return h.memoryHub.Receive(ctx, partition, from, handle)
}

// forGood is how far ahead the ownership is renewed of a reader that lives as long as a test.
const forGood = 24 * time.Hour

// giveTo has another reader own a partition, which it has renewed at that time.
func (s *memoryStore) giveTo(owner, partition string, renewed time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ownerships[partition] = Ownership{Partition: partition, Owner: owner, Renewed: renewed, version: s.nextVersion()}
}

func TestAPartitionThatIsWedgedIsSeenThoughTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newWatchedBench(32)
		hub := newLockedHub(b.hub, "17")
		// Before the start: later, the first question might come too soon for it, and the next after half a minute.
		b.hub.append("17", oneEach("wedged")...)
		stop := b.startOn(t, hub, b.store)
		synctest.Wait()
		for range 7 {
			for _, partition := range ids(32) {
				if partition != "17" {
					b.hub.append(partition, oneEach("x")...)
				}
			}
			b.assertAlive(t)
			time.Sleep(45 * time.Second)
		}
		b.assertWedged(t, "partition 17 has made no progress for")
		assert.Greater(t, len(hub.opened), 10, "it tried to connect again by itself")
		close(hub.locked)
		time.Sleep(time.Minute)
		b.assertAlive(t)
		assert.Contains(t, b.sink.all(), "wedged")
		stop()
		assert.Equal(t, 1, b.logs(logrus.ErrorLevel, "consumer does not get on, /healthz asks for a restart"))
		assert.Equal(t, 1, b.logs(logrus.InfoLevel, "consumer gets on again"))
	})
}

func TestAHubThatAnswersNoQuestionIsAReasonToRestart(t *testing.T) {
	for name, owner := range map[string]string{"owning": "", "standing by": "another"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newWatchedBench(1)
				if owner != "" {
					b.store.giveTo(owner, "0", time.Now().Add(forGood))
				}
				stop := b.start(t)
				time.Sleep(time.Hour)
				b.assertAlive(t)
				b.hub.setUnreachable(errors.New("no route to host"))
				time.Sleep(4 * time.Minute)
				b.assertAlive(t)
				time.Sleep(2 * time.Minute)
				b.assertWedged(t, "the hub has answered no question for")
				b.hub.setUnreachable(nil)
				time.Sleep(time.Minute)
				b.assertAlive(t)
				stop()
			})
		})
	}
}

func TestAHubThatIsNotThereAtTheStartIsAReasonToRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newWatchedBench(1)
		b.hub.setUnreachable(errors.New("no such host"))
		stop := b.start(t)
		time.Sleep(4 * time.Minute)
		b.assertAlive(t)
		time.Sleep(time.Minute)
		b.assertWedged(t, "the hub has answered no question for 5m0s")
		stop()
		b.assertWedged(t, "the hub has answered no question for") // it is the daemon that says Stopping
	})
}

func TestASinkThatHangsOrAStoreThatIsAwayIsNoReasonToRestart(t *testing.T) {
	for name, fail := range map[string]func(b *bench){
		"the sink hangs": func(b *bench) {
			b.sink.gate = make(chan struct{})
			b.hub.append("0", oneEach("a", "b")...)
		},
		"the store is away":                          func(b *bench) { b.hub.append("0", oneEach("a")...) },
		"the store is away and has to take a letter": func(b *bench) { b.hub.append("0", []byte("{oops"), oneEach("a")[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newWatchedBench(1)
				stop := b.start(t)
				synctest.Wait()
				if name != "the sink hangs" {
					b.store.fail(errors.New("503"))
				}
				fail(b)
				for range 24 {
					time.Sleep(time.Hour)
					b.assertAlive(t)
				}
				if b.sink.gate != nil {
					close(b.sink.gate)
				}
				b.store.fail(nil)
				stop()
			})
		})
	}
}

func TestAPartitionOfAnotherReaderIsWatchedNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newWatchedBench(1)
		hub := newLockedHub(b.hub, "0")
		stop := b.startOn(t, hub, b.store)
		b.hub.append("0", oneEach("a")...)
		time.Sleep(time.Minute)
		b.store.giveTo("another", "0", time.Now().Add(forGood))
		time.Sleep(time.Hour)
		b.assertAlive(t)
		stop()
	})
}

func TestTheDaemonHasTimeToConnectAgainBeforeTheWatchdogJudges(t *testing.T) {
	for timeout, want := range map[time.Duration][2]time.Duration{
		0:               {30 * time.Second, 30 * time.Second},
		5 * time.Minute: {30 * time.Second, 30 * time.Second},
		4 * time.Second: {time.Second, 2 * time.Second},
	} {
		cfg := forwarder.Config{WatchdogTimeout: timeout}
		assert.Equal(t, want, [2]time.Duration{watchInterval(cfg, lagInterval), questionTimeout(cfg)}, timeout)
	}
}
