//go:build soak

package e2e

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// soakVariable is the environment variable that says how long a soak lasts.
	soakVariable = "SOAK"
	// soakEvery is the time between two hub events of some four audit events: 300 audit events a second.
	soakEvery = 15 * time.Millisecond
	// soakPause makes the pauses between troubles: up to four times as long at the hub, the sink and
	// the storage, up to twenty times for the replicas.
	soakPause = 5 * time.Second
)

// TestSoak is the random faults over two replicas of the daemon as it is released, for as long as one likes.
func TestSoak(t *testing.T) {
	lasts, err := time.ParseDuration(os.Getenv(soakVariable))
	require.NoError(t, err, "%s has to say how long, such as 30m", soakVariable)
	s := newStorm(t, 4)
	s.load.odd, s.quiet = 0.01, true
	// Defaults, but for the time-out: a sink that does not answer shall be met, and not for a minute.
	s.replicas(t, plainBinary(t), settings{
		"CHECKPOINTINTERVAL": "", "SINKSETTLETIME": "", "POSTMAXRETRIES": "", "POSTRETRYINCREMENTALDELAY": "", "POSTTIMEOUT": "3s",
	})
	s.stormOfReplicas(t, soakPause, true)
	end := s.tellNowAndThen(t)
	s.rage(t, lasts, soakEvery)
	end()
	s.assertNothingLost(t)
}

// tellNowAndThen says every minute how far it has got, until the function that it answers is called.
func (s *storm) tellNowAndThen(t *testing.T) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done, began := make(chan struct{}), time.Now()
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			waitFor(ctx, time.Minute)
			count := s.ledger.counts()
			t.Logf("%s: appended %d, delivered %d, dead-lettered %d, duplicates %d, without a verdict yet %d, wrong %d, highest memory %d MiB",
				time.Since(began).Round(time.Second), count.appended, count.delivered, count.kept, count.repeats, s.ledger.waiting(),
				len(s.ledger.complaints()), s.fleet.highestMemory()>>20)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
