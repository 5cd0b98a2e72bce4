package e2e

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// muchOf is a number of events that Falco has answered with 200 and not processed yet. Falco can hold up to
// 50 + 1 + 128: in its queue, in the request that it parses, and in the batch of its engine.
const muchOf = 100

// defaultSettleSettings returns settings with the default SINKSETTLETIME. The checkpoint interval is short, so that a
// checkpoint that could pass what Falco loses would do so.
func defaultSettleSettings(t *testing.T, hub *hubtest.Server, url string) harness.Settings {
	t.Helper()
	return harness.HubSettings(t, hub, url).With(harness.Settings{"CHECKPOINTDIR": t.TempDir(), "CHECKPOINTINTERVAL": "50ms", "SINKSETTLETIME": "", "LOGLEVEL": ""}).With(harness.FastRetries())
}

// unconfirmed returns settings with which nothing is confirmed that Falco accepts during the test. On a busy machine,
// Falco can go on with a full queue for longer than any SINKSETTLETIME for which a test can wait.
func unconfirmed() harness.Settings {
	return harness.Settings{"SINKSETTLETIME": "1h", "SHUTDOWNTIMEOUT": "2s"}
}

// awaitFull waits until the running Falco processes events and has accepted muchOf events that it has not processed.
// before is how many events were accepted when it started.
func awaitFull(t *testing.T, f *harness.FalcoProcesses, d *harness.Daemon, before int) {
	t.Helper()
	harness.Wait(t, func() bool {
		used := len(f.UsedByLast(t))
		return used >= muchOf && d.AcceptedEvents(t)-before >= used+muchOf
	}, "Falco's queue is full")
}

// assertReplayed checks that the Falco that ended has lost audit events. Otherwise the test proves nothing.
func assertReplayed(t *testing.T, d *harness.Daemon, atLeast float64) {
	t.Helper()
	assert.GreaterOrEqual(t, d.Metric(t, "aks_audit_log_replayed_events_total"), atLeast, "audit events sent again")
	assert.Positive(t, d.Metric(t, `aks_audit_log_sink_losses_total{partition="0"}`))
	harness.Wait(t, func() bool {
		return d.Output.Contains("connection to the sink lost: audit events that it had accepted since the checkpoint may be gone, sending their hub events again")
	}, "the log says so")
}

func TestFalcoThatRestartsUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, f, address := harness.StartHub(t, 2), &harness.FalcoProcesses{Pace: 10 * time.Millisecond, Holds: muchOf}, harness.FreeAddress(t)
			fed := harness.NewFeed(hub)
			fed.Add(t, 40, 10)
			falco := f.Start(t, address)
			d := harness.StartDaemon(t, defaultSettleSettings(t, hub, falco.URL).With(unconfirmed()))
			before := 0
			for _, holds := range []int{muchOf, 0} {
				awaitFull(t, f, d, before)
				require.NoError(t, falco.Signal(end))
				before, f.Holds = d.AcceptedEvents(t), holds
				falco = f.Start(t, address)
			}
			f.AwaitUsed(t, fed.Total())
			assertReplayed(t, d, muchOf)
			d.AwaitAtLeast(t, harness.VerdictSeries("delivered"), float64(fed.Total()))
			d.Stop(t)
			fed.AssertAllInOrder(t, f.Used(t))
			t.Logf("%d audit events, %d used twice", fed.Total(), len(f.Used(t))-fed.Total())
		})
	}
}

// The connections to the old pod are closed when the pod is told to stop, and new ones go to the new pod. Nothing is
// posted meanwhile.
func TestFalcoThatIsReplacedWhileConnectionsAreIdleLosesNothing(t *testing.T) {
	t.Parallel()
	hub, f := harness.StartHub(t, 1), &harness.FalcoProcesses{Pace: 50 * time.Millisecond, Holds: muchOf / 2}
	fed := harness.NewFeed(hub)
	fed.Add(t, 10, 10)
	old := f.Start(t, harness.FreeAddress(t))
	service := harness.StartService(t, old.URL)
	d := harness.StartDaemon(t, defaultSettleSettings(t, hub, service.URL).With(unconfirmed()))
	d.AwaitMetric(t, "falco_aks_audit_log_events_success", float64(fed.Total()))
	require.Less(t, len(f.Used(t)), fed.Total(), "Falco still has some of them")

	f.Holds = 0
	next := f.Start(t, harness.FreeAddress(t))
	service.PointTo(next.URL)
	require.NoError(t, old.Signal(syscall.SIGTERM))
	f.AwaitUsed(t, fed.Total())
	assertReplayed(t, d, 1)
	d.Stop(t)
	fed.AssertAllInOrder(t, f.Used(t))
}

func TestFalcoAndTheDaemonKilledTogetherLoseNothing(t *testing.T) {
	t.Parallel()
	hub, f, address := harness.StartHub(t, 2), &harness.FalcoProcesses{Pace: 10 * time.Millisecond, Holds: muchOf}, harness.FreeAddress(t)
	fed := harness.NewFeed(hub)
	fed.Add(t, 40, 10)
	falco := f.Start(t, address)
	environ := defaultSettleSettings(t, hub, falco.URL).With(unconfirmed())
	d := harness.StartDaemon(t, environ)
	for _, holds := range []int{muchOf, 0} {
		awaitFull(t, f, d, 0)
		require.NoError(t, falco.Cmd.Process.Kill())
		d.Kill(t)
		require.NoError(t, falco.Wait())
		f.Holds = holds
		falco, d = f.Start(t, address), harness.StartDaemon(t, environ)
	}
	f.AwaitUsed(t, fed.Total())
	d.Stop(t)
	fed.AssertAllInOrder(t, f.Used(t))
}

// Bursts fill the queue, and the pauses are longer than SINKSETTLETIME and the idle time of connections. The daemon is
// stopped in between.
func TestWithAFalcoThatLivesOnNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	hub, f := harness.StartHub(t, 2), &harness.FalcoProcesses{Pace: 10 * time.Millisecond}
	fed := harness.NewFeed(hub)
	service := harness.StartService(t, f.Start(t, harness.FreeAddress(t)).URL)
	environ := defaultSettleSettings(t, hub, service.URL).With(harness.Settings{"SINKSETTLETIME": "1s"})
	for range 2 {
		d := harness.StartDaemon(t, environ)
		for range 2 {
			fed.Add(t, 15, 10)
			f.AwaitUsed(t, fed.Total())
			harness.Wait(t, func() bool { return service.Connections() == 0 }, "the idle connections are closed")
		}
		assert.Zero(t, d.Metric(t, "aks_audit_log_replayed_events_total"))
		before := d.Metric(t, harness.VerdictSeries("delivered"))
		fed.Add(t, 15, 10)
		harness.Wait(t, func() bool { return d.Metric(t, harness.VerdictSeries("delivered")) >= before+muchOf }, "Falco has taken much of it")
		d.Stop(t)
	}
	d := harness.StartDaemon(t, environ)
	d.AwaitReady(t)
	f.AwaitUsed(t, fed.Total())
	d.Stop(t)
	fed.AssertOnceInOrder(t, f.Used(t))
}

func TestAStopWithTheDefaultSettleTimeWaitsForItAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 2), harness.StartSink(t)
	fed := harness.NewFeed(hub)
	environ := defaultSettleSettings(t, hub, s.URL)
	for range 2 {
		fed.Add(t, 10, 3)
		d := harness.StartDaemon(t, environ)
		s.Await(t, fed.Total())
		d.Stop(t)
		assert.Greater(t, time.Since(s.LastTook()), 5*time.Second)
	}
	fed.AssertOnceInOrder(t, s.Accepted())
}
