package harness

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"
)

// StartReplicas starts two replicas that share a container. They reach it through a faultyStorage.
func (c *Chaos) StartReplicas(t *testing.T, binary string, others Settings) {
	t.Helper()
	blobs, proxy := NewBlobs(t), startFaultyStorage(t)
	c.storage = proxy
	c.Checker = &StateChecker{State: StateInBlobs{Blobs: blobs}, Oracle: c.Oracle, Hub: c.Hub}
	environ := c.Settings(t, Settings{
		"BLOBSTORAGECONNECTIONSTRING": proxy.connectionString(t), "BLOBCONTAINERNAME": blobs.Name,
	}).With(others)
	c.Fleet = StartFleet(t, binary, c.Oracle, environ, environ.With(Settings{"STATSADDRESS": FreeAddress(t)}))
}

// AddReplicaFaults adds faults of all kinds. The pauses between them are multiples of pause. If kills is true,
// replicas are also killed.
func (c *Chaos) AddReplicaFaults(t *testing.T, pause time.Duration, kills bool) {
	t.Helper()
	c.AddFaults(4*pause, func(rng *rand.Rand) []Fault { return HubFaults(c.Hub, rng) })
	c.AddFaults(4*pause, func(*rand.Rand) []Fault { return SinkFaults(c.Sink, c.Oracle) })
	c.AddFaults(4*pause, func(*rand.Rand) []Fault { return storageFaults(c.storage) })
	c.AddFaults(20*pause, func(rng *rand.Rand) []Fault { return ProcessFaults(t.Context(), c.Fleet, rng, kills) })
}

// ReportEachMinute logs the counts every minute until end is called.
func (c *Chaos) ReportEachMinute(t *testing.T) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done, began := make(chan struct{}), time.Now()
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			Pause(ctx, time.Minute)
			count := c.Oracle.Counts()
			t.Logf("%s: appended %d, delivered %d, dead-lettered %d, redelivered %d, without a verdict yet %d, errors %d, highest memory %d MiB",
				time.Since(began).Round(time.Second), count.Appended, count.Delivered, count.DeadLettered, count.Redelivered, c.Oracle.WithoutVerdict(),
				len(c.Oracle.Errors()), c.Fleet.highestMemory()>>20)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
