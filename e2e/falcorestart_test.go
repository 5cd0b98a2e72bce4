package e2e

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

// muchOf what Falco has answered 200 to and not used: its queue, the body that it parses and the
// batch in its engine hold up to 50 + 1 + 128.
const muchOf = 100

// patientSettings have the default SINKSETTLETIME. A short interval makes the checkpoint follow
// closely, so that it would pass what Falco loses if it could.
func patientSettings(t *testing.T, hub *hubtest.Server, url string) settings {
	t.Helper()
	return hubSettings(t, hub, url).with(settings{"CHECKPOINTDIR": t.TempDir(), "CHECKPOINTINTERVAL": "50ms", "SINKSETTLETIME": "", "LOGLEVEL": ""}).with(impatient())
}

// accepted is how many audit events of the daemon got a 2xx, repeats included.
func (d *daemon) accepted(t *testing.T) int {
	t.Helper()
	return int(max(0, d.metric(t, "falco_aks_audit_log_events_success")) + max(0, d.metric(t, "aks_audit_log_replayed_events_total")))
}

// awaitFull waits until the Falco of the moment is at work and holds much of what it answered for.
// before is what accepted was when it started.
func awaitFull(t *testing.T, f *falcos, d *daemon, before int) {
	t.Helper()
	eventually(t, func() bool {
		used := len(f.usedByLast(t))
		return used >= muchOf && d.accepted(t)-before >= used+muchOf
	}, "Falco's queue is full")
}

// assertReplayed checks that the Falco which ended took audit events with it: else the test shows
// nothing.
func assertReplayed(t *testing.T, d *daemon, atLeast float64) {
	t.Helper()
	assert.GreaterOrEqual(t, d.metric(t, "aks_audit_log_replayed_events_total"), atLeast, "audit events sent again")
	assert.Positive(t, d.metric(t, `aks_audit_log_sink_losses_total{partition="0"}`))
	eventually(t, func() bool { return d.out.Contains("what the sink had accepted last may be lost, reading it again") }, "the log says so")
}

func TestFalcoThatRestartsUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, f, address := startHub(t, 2), &falcos{pace: 10 * time.Millisecond}, freeAddress(t)
			fed := newFeed(hub)
			fed.add(t, 40, 10)
			falco := f.start(t, address)
			d := startDaemon(t, patientSettings(t, hub, falco.url))
			before := 0
			for range 2 {
				awaitFull(t, f, d, before)
				require.NoError(t, falco.signal(end))
				before = d.accepted(t)
				falco = f.start(t, address)
			}
			f.awaitUsed(t, fed.total())
			assertReplayed(t, d, muchOf)
			d.awaitMetric(t, verdicts("delivered"), float64(fed.total()))
			d.stop(t)
			fed.assertAllInOrder(t, f.used(t))
			t.Logf("%d audit events, %d used twice", fed.total(), len(f.used(t))-fed.total())
		})
	}
}

// Its connections are closed when the old pod is told to end, and new ones lead to the new pod,
// while nothing is posted.
func TestFalcoThatIsReplacedWhileConnectionsAreIdleLosesNothing(t *testing.T) {
	t.Parallel()
	hub, f := startHub(t, 1), &falcos{pace: 50 * time.Millisecond}
	fed := newFeed(hub)
	fed.add(t, 10, 10)
	old := f.start(t, freeAddress(t))
	service := startService(t, old.url)
	d := startDaemon(t, patientSettings(t, hub, service.url))
	d.awaitMetric(t, "falco_aks_audit_log_events_success", float64(fed.total()))
	require.Less(t, len(f.used(t)), fed.total(), "Falco still has some of them")

	next := f.start(t, freeAddress(t))
	service.leadTo(next.url)
	require.NoError(t, old.signal(syscall.SIGTERM))
	f.awaitUsed(t, fed.total())
	assertReplayed(t, d, 1)
	d.stop(t)
	fed.assertAllInOrder(t, f.used(t))
}

func TestFalcoAndTheDaemonKilledTogetherLoseNothing(t *testing.T) {
	t.Parallel()
	hub, f, address := startHub(t, 2), &falcos{pace: 10 * time.Millisecond}, freeAddress(t)
	fed := newFeed(hub)
	fed.add(t, 40, 10)
	falco := f.start(t, address)
	environ := patientSettings(t, hub, falco.url)
	d := startDaemon(t, environ)
	for range 2 {
		awaitFull(t, f, d, 0)
		require.NoError(t, falco.cmd.Process.Kill())
		d.kill(t)
		require.NoError(t, falco.wait())
		falco, d = f.start(t, address), startDaemon(t, environ)
	}
	f.awaitUsed(t, fed.total())
	d.stop(t)
	fed.assertAllInOrder(t, f.used(t))
}

// Bursts that fill the queue, pauses that outlast the settling and the idle connections, and stops
// in between.
func TestWithAFalcoThatLivesOnNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	hub, f := startHub(t, 2), &falcos{pace: 10 * time.Millisecond}
	fed := newFeed(hub)
	service := startService(t, f.start(t, freeAddress(t)).url)
	environ := patientSettings(t, hub, service.url).with(settings{"SINKSETTLETIME": "1s"})
	for range 2 {
		d := startDaemon(t, environ)
		for range 2 {
			fed.add(t, 15, 10)
			f.awaitUsed(t, fed.total())
			eventually(t, func() bool { return service.connections() == 0 }, "the idle connections are closed")
		}
		assert.Zero(t, d.metric(t, "aks_audit_log_replayed_events_total"))
		before := d.metric(t, verdicts("delivered"))
		fed.add(t, 15, 10)
		eventually(t, func() bool { return d.metric(t, verdicts("delivered")) >= before+muchOf }, "Falco has taken much of it")
		d.stop(t)
	}
	d := startDaemon(t, environ)
	d.awaitReady(t)
	f.awaitUsed(t, fed.total())
	d.stop(t)
	fed.assertOnceInOrder(t, f.used(t))
}

func TestAStopWithTheDefaultSettleTimeWaitsForItAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	hub, s := startHub(t, 2), startSink(t)
	fed := newFeed(hub)
	environ := patientSettings(t, hub, s.URL)
	for range 2 {
		fed.add(t, 10, 3)
		d := startDaemon(t, environ)
		s.await(t, fed.total())
		began := time.Now()
		d.stop(t)
		assert.Greater(t, time.Since(began), 4*time.Second)
	}
	fed.assertOnceInOrder(t, s.accepted())
}
