package e2e

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// repeatsOfRestart is how many audit events may be repeated if a Falco of 9,000 a second restarts under load. A
// repeated alert may wake somebody.
const repeatsOfRestart = 2000

// repeating is a backlog in four partitions for a Falco of quickPace, with the daemon's defaults.
type repeating struct {
	hub     *hubtest.Server
	events  *harness.SmallEvents
	f       *harness.FalcoProcesses
	address string
	falco   *harness.FalcoProcess
	dir     string
	environ harness.Settings
}

func startRepeating(t *testing.T, backlog int) *repeating {
	t.Helper()
	hub := harness.StartHub(t, 4)
	r := &repeating{
		hub: hub, events: harness.NewSmallEvents(hub), address: harness.FreeAddress(t), dir: t.TempDir(),
		f: &harness.FalcoProcesses{Pace: quickPace, OnlyIDs: true},
	}
	r.events.Add(t, backlog, burstRecords)
	r.falco = r.f.Start(t, r.address)
	r.environ = harness.HubSettings(t, hub, r.falco.URL).With(harness.Settings{"CHECKPOINTDIR": r.dir, "SINKSETTLETIME": "", "LOGLEVEL": "info"})
	return r
}

// startDaemon starts a daemon as it is released. With the race detector, the daemon would be the limit, and not Falco.
func (r *repeating) startDaemon(t *testing.T) *harness.Daemon {
	t.Helper()
	return harness.RunDaemon(t, harness.ReleaseBinary(t), r.environ)
}

// finish waits until the checkpoint has passed everything, stops the daemon, and returns the outcomes of the audit
// events.
func (r *repeating) finish(t *testing.T, d *harness.Daemon) harness.Tally {
	t.Helper()
	harness.StateInFolder(r.dir).AwaitCaughtUp(t, r.hub)
	r.f.Flush(t)
	d.Stop(t)
	tally := r.f.Count(t, r.events.Appended)
	t.Logf("%d audit events: %d used, %d missing, repeats by Falco process: %v", r.events.Total(), tally.Used, tally.Missing, tally.Repeats)
	require.Zero(t, tally.Missing, "missing")
	return tally
}

// It runs before all parallel tests, and so does the next one, because they would slow down Falco and the daemon.
func TestARestartOfFalcoUnderLoadRepeatsLittle(t *testing.T) {
	const backlog = 50_000
	ends := []os.Signal{syscall.SIGTERM, syscall.SIGKILL}
	r := startRepeating(t, backlog)
	d := r.startDaemon(t)
	for _, end := range ends {
		r.f.AwaitUsedByLast(t, backlog/4)
		require.NoError(t, r.falco.Signal(end))
		r.falco = r.f.Start(t, r.address)
	}
	tally := r.finish(t, d)
	for _, repeats := range tally.Repeats { // none of the first
		assert.LessOrEqual(t, repeats, repeatsOfRestart, "repeats of a restart")
	}
}

func TestAKillInABacklogRepeatsLittle(t *testing.T) {
	const anySecond = 9000 // of audit events, so that a kill can come at any moment between two checkpoints
	rng := harness.RandomNumbers(harness.Seed(t), 1)
	r := startRepeating(t, killBacklog)
	d := r.startDaemon(t)
	for n := range backlogKills {
		r.f.AwaitUsedByLast(t, (n+1)*killBacklog/(backlogKills+1)-rng.IntN(anySecond))
		d.Kill(t)
		d = r.startDaemon(t)
	}
	repeats := r.finish(t, d).Repeated() / backlogKills
	t.Logf("%d repeats a kill, in the mean of %d", repeats, backlogKills)
	assert.LessOrEqual(t, repeats, repeatsOfKill, "repeats a kill")
}
