//go:build bench && linux

package e2e

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/bench/load"
	"aks-audit-log-go/e2e/harness"
)

const (
	// endsEach is how many times a run stops or kills the daemon.
	endsEach = 2
	// endsAfter is how long each daemon runs at least, so that it has written checkpoints. A random time of up to
	// endsWithin is added, because an end can come at any moment between two checkpoints (CHECKPOINTINTERVAL is 5 s).
	endsAfter  = 6 * time.Second
	endsWithin = 5 * time.Second
	// endsLast is how long audit events are appended after the last end at least.
	endsLast = 3 * time.Second
)

// stopped stops a daemon, and returns how long that takes.
func stopped(t *testing.T, _ *surroundings, d *harness.Daemon) float64 {
	t.Helper()
	began := time.Now()
	d.Stop(t)
	return time.Since(began).Seconds()
}

// killed kills a daemon. It would keep its partitions for a minute. They are released here, as an operator does who
// cannot wait. That does not change what comes again.
func killed(t *testing.T, s *surroundings, d *harness.Daemon) float64 {
	t.Helper()
	d.Kill(t)
	freed := 0
	for name := range s.container.Metadata(t) {
		if strings.Contains(name, "/ownership/") {
			s.container.Add(t, name, map[string]string{"ownerid": ""})
			freed++
		}
	}
	require.Equal(t, usualPartitions, freed)
	return math.NaN()
}

// ending ends the daemon under a steady load of 1,000/s, starts the next one at once, and counts by audit ID what came
// again.
func ending(end func(*testing.T, *surroundings, *harness.Daemon) float64) func(*testing.T, *bench, int) measure {
	return func(t *testing.T, b *bench, _ int) measure {
		const every = load.Records * time.Millisecond
		hubEvents := int((endsEach*(endsAfter+endsWithin) + endsLast) / every)
		s, rng := b.surround(t, usualPartitions), harness.RandomNumbers(harness.Seed(t), 1)
		d := s.startIdle(t, usualPartitions)
		appended := make(chan error, 1)
		go func() { appended <- s.hub.order(t.Context(), paceCommand(hubEvents, load.Records, every)) }()
		m := unmeasured()
		for n := range endsEach {
			harness.Pause(t.Context(), endsAfter+time.Duration(rng.Int64N(int64(endsWithin))))
			took := end(t, s, d)
			if n == 0 || took > m.stop {
				m.stop = took
			}
			d = s.startDaemon(t, nil)
		}
		require.NoError(t, <-appended)
		s.sink.await(t, int64(hubEvents*load.Records), d.Process)
		d.Stop(t)
		counts := s.sink.counts(t, "")
		require.EqualValues(t, hubEvents*load.Records, counts.Events-counts.Repeats, "each audit event was delivered")
		m.again = float64(counts.Repeats) / endsEach
		return m
	}
}

// startToFirst measures the time from the start of the process to its first POST, with a backlog. No partition has an
// owner. The folder of the checkpoints, or their container, must be created.
func startToFirst(partitions int, others func(*testing.T, *surroundings) harness.Settings) func(*testing.T, *bench, int) measure {
	return func(t *testing.T, b *bench, _ int) measure {
		const backlog = 10 // hub events in each partition
		s := b.surround(t, partitions)
		s.fill(t, backlog*partitions, usualShape)
		settings := others(t, s)
		began := time.Now()
		d := s.startDaemon(t, settings)
		counts := s.sink.await(t, int64(backlog*partitions*load.Records), d.Process)
		m := unmeasured()
		m.start = timeOf(counts.First).Sub(began).Seconds()
		return m
	}
}

func withFiles(t *testing.T, _ *surroundings) harness.Settings {
	return harness.Settings{"CHECKPOINTDIR": t.TempDir() + "/checkpoints", "BLOBSTORAGECONNECTIONSTRING": "", "BLOBCONTAINERNAME": ""}
}

func withBlobs(*testing.T, *surroundings) harness.Settings { return nil }

// withTLS makes the daemon use TLS to the hub and to the storage.
func withTLS(t *testing.T, s *surroundings) harness.Settings {
	return harness.Settings{
		"EHUBNAMESPACECONNECTIONSTRING": s.hub.Secure,
		"BLOBSTORAGECONNECTIONSTRING":   s.blobs.connectionString(t, s.blobs.secure),
	}
}
