package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

const (
	// frozenFor is how long a daemon is frozen. It is longer than settle, so that all times are over when the daemon
	// continues.
	frozenFor = settle + time.Second
	// untilNetwork is how long after a virtual machine its network continues.
	untilNetwork = 200 * time.Millisecond
)

// replaceWhileFrozen replaces Falco behind a Service while the daemon is frozen. It is as if the daemon's virtual
// machine was frozen: the end of the connection arrives shortly after the daemon has continued.
func (e *endingFalco) replaceWhileFrozen(t *testing.T, service *harness.Service, next *harness.FalcoProcess) {
	t.Helper()
	thaw := freezeProcess(t, e.d.Process)
	service.PointTo(next.URL)
	release := service.HoldEnds(t)
	require.NoError(t, e.old.Signal(os.Kill))
	harness.Pause(t.Context(), frozenFor) // the time is what is tested
	thaw()
	harness.Pause(t.Context(), untilNetwork)
	release()
}

func TestAnIdleDaemonThatIsFrozenWhileFalcoIsReplacedLosesNothing(t *testing.T) {
	t.Parallel()
	e := startEndingFalco(t, &harness.FalcoProcesses{Pace: slowPace})
	service := harness.StartService(t, e.old.URL)
	e.startDaemon(t, service.URL, nil)
	next := e.next(t)
	e.feedFirst(t)
	e.replaceWhileFrozen(t, service, next)
	e.feed(t, endingThen)
	e.assertNoneLost(t)
}

// The daemon mostly waits for hub events, because its POSTs are answered at once.
func TestADaemonThatIsFrozenUnderLoadWhileFalcoIsReplacedLosesNothing(t *testing.T) {
	t.Parallel()
	e := startEndingFalco(t, &harness.FalcoProcesses{Pace: slowPace})
	service := harness.StartService(t, e.old.URL)
	e.startDaemon(t, service.URL, nil)
	next := e.next(t)
	load := harness.StartFeedLoopOf(t, e.fed, 100*time.Millisecond, perHubEvent)
	e.awaitAccepted(t, endingFirst/2)
	e.replaceWhileFrozen(t, service, next)
	e.awaitAccepted(t, endingFirst)
	load.End()
	e.feed(t, endingFirst+endingThen-e.fed.Total())
	e.assertNoneLost(t)
}

const (
	// windowShutFor is longer than 20 s, after which a TCP_USER_TIMEOUT of 20 s would end such a connection.
	windowShutFor = 25 * time.Second
	// largeObject is the size of a large part of an audit event. Four of them are more than the kernel accepts for a
	// process that does not read.
	largeObject = 200 << 10
)

// After some 100 KB, the kernel of a frozen Falco accepts no more bytes, and says so whenever it is asked.
func TestAFalcoThatIsFrozenAmidALargeRequestGetsNothingTwice(t *testing.T) {
	t.Parallel()
	e := startEndingFalco(t, &harness.FalcoProcesses{Pace: time.Millisecond})
	e.startDaemon(t, e.old.URL, harness.Settings{"CHECKPOINTINTERVAL": settle.String()})
	e.feed(t, muchOf)
	e.f.AwaitUsed(t, muchOf)
	// The sink has processed them, but that is not confirmed before settle. Nothing is posted meanwhile.
	harness.Pause(t.Context(), settle/4)
	thaw := freezeProcess(t, e.old.Process)
	var large []string
	for range 4 {
		event := harness.AuditEvent("0", e.fed.Total()+len(large))
		large = append(large, strings.Replace(event, `"annotations":`, `"requestObject":"`+strings.Repeat("x", largeObject)+`","annotations":`, 1))
	}
	e.fed.AddEvents(t, "0", large...)
	harness.Pause(t.Context(), windowShutFor) // the time is what is tested
	thaw()
	harness.StateInFolder(e.dir).AwaitCaughtUp(t, e.hub)
	e.f.Flush(t)
	assert.Zero(t, e.d.Metric(t, "aks_audit_log_replayed_events_total"))
	e.d.Stop(t)
	used := e.f.Used(t)
	require.Zero(t, len(used)-harness.Distinct(used), "used twice")
	e.fed.AssertOnceInOrder(t, used)
}
