package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// The two clients that EVENTHUBCLIENT chooses between.
const (
	oldClient = "azure-event-hubs-go"
	newClient = "azeventhubs"
)

// exchanges are the two ways to exchange one client for the other.
func exchanges() map[string][2]string {
	return map[string][2]string{
		oldClient + " by " + newClient: {oldClient, newClient},
		newClient + " by " + oldClient: {newClient, oldClient},
	}
}

// flow appends to every partition of a feed until it is ended.
type flow struct {
	stop, done chan struct{}
}

// startFlow appends a hub event of three audit events to each partition every so often.
func startFlow(t *testing.T, fed *feed, every time.Duration) *flow {
	t.Helper()
	f := &flow{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(f.done)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-f.stop:
				return
			case <-ticker.C:
				fed.add(t, 1, 3)
			}
		}
	}()
	t.Cleanup(f.end)
	return f
}

// end stops the flow; from then on the feed belongs to the caller again.
func (f *flow) end() {
	select {
	case <-f.stop:
	default:
		close(f.stop)
	}
	<-f.done
}

// replica starts one more daemon with the client, beside others with the same settings.
func replica(t *testing.T, environ settings, client string) *daemon {
	t.Helper()
	return startDaemon(t, environ.with(settings{
		"EVENTHUBCLIENT": client, "STATSADDRESS": freeAddress(t), "LOGLEVEL": "info", "CHECKPOINTINTERVAL": "500ms",
	}))
}

// awaitHalves waits until two replicas own two of the four partitions each.
func awaitHalves(t *testing.T, a, b *daemon) {
	t.Helper()
	eventually(t, func() bool {
		return a.metric(t, partitionsOwned) == 2 && b.metric(t, partitionsOwned) == 2
	}, "two replicas own two partitions each")
}

// awaitWork waits until a daemon has delivered audit events of its own.
func awaitWork(t *testing.T, d *daemon) {
	t.Helper()
	delivered := d.metric(t, verdicts("delivered"))
	eventually(t, func() bool { return d.metric(t, verdicts("delivered")) > delivered+10 }, "the daemon delivers")
}

func TestTheClientIsExchangedByARestartWithoutARepeat(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 4), startSink(t), newContainer(t)
	environ, fed := blobSettings(t, hub, c, s.URL), newFeed(hub)
	load := startFlow(t, fed, 20*time.Millisecond)
	for _, client := range []string{oldClient, newClient, oldClient, newClient} {
		d := replica(t, environ, client)
		d.awaitMetric(t, partitionsOwned, 4)
		awaitWork(t, d)
		d.stop(t)
	}
	load.end()
	last := replica(t, environ, oldClient)
	eventually(t, func() bool { return caughtUp(t, hub, c) }, "the checkpoints stand at the last events")
	last.stop(t)
	fed.assertOnceInOrder(t, s.accepted())
}

// A replica that joins takes partitions from one that is at work, which may repeat what that had
// in hand; nothing else may.
func TestARollingUpdateExchangesTheClients(t *testing.T) {
	t.Parallel()
	for name, clients := range exchanges() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s, c := startHub(t, 4), startSink(t), newContainer(t)
			environ, fed := blobSettings(t, hub, c, s.URL), newFeed(hub)
			load := startFlow(t, fed, 20*time.Millisecond)
			before, after := clients[0], clients[1]
			a, b := replica(t, environ, before), replica(t, environ, before)
			awaitHalves(t, a, b)
			awaitWork(t, a)

			a.stop(t)
			a = replica(t, environ, after)
			awaitHalves(t, a, b) // one of either, at work side by side
			awaitWork(t, a)
			b.stop(t)
			b = replica(t, environ, after)
			awaitHalves(t, a, b)
			awaitWork(t, b)

			load.end()
			eventually(t, func() bool { return caughtUp(t, hub, c) }, "the checkpoints stand at the last events")
			a.stop(t)
			b.stop(t)
			fed.assertAllInOrder(t, s.accepted())
		})
	}
}

func TestAKilledReplicaIsReplacedByOneWithTheOtherClient(t *testing.T) {
	t.Parallel()
	for name, clients := range exchanges() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s, c := startHub(t, 4), startSink(t), newContainer(t)
			environ, fed := blobSettings(t, hub, c, s.URL), newFeed(hub)
			load := startFlow(t, fed, 50*time.Millisecond)
			killed, other := replica(t, environ, clients[0]), replica(t, environ, clients[1])
			awaitHalves(t, killed, other)
			awaitWork(t, killed)

			killed.kill(t)
			successor := replica(t, environ, clients[1])
			awaitHalves(t, successor, other)
			awaitWork(t, successor)

			load.end()
			eventually(t, func() bool { return caughtUp(t, hub, c) }, "the checkpoints stand at the last events")
			successor.stop(t)
			other.stop(t)
			fed.assertAllInOrder(t, s.accepted())
			// Those of the seconds before the kill, of a minute and more that the exchange takes.
			assert.Less(t, len(s.accepted())-fed.total(), fed.total()/5, "repeats")
		})
	}
}
