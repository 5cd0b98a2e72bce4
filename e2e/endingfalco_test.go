package e2e

import (
	"testing"
	"time"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// These are the audit events of a test with an endingFalco: those that the first Falco accepts, and those that follow.
// The first ones are at most 20 requests, so that they fit in its queue.
const (
	endingFirst = 600
	endingThen  = 1400
	perHubEvent = 20
)

// slowPace is how long a slow Falco takes for an audit event. For endingFirst, it takes 30 seconds.
const slowPace = 50 * time.Millisecond

// endingFalco is a Falco that ends before it has processed what it has accepted, and another Falco that replaces it.
// Nothing that the first one accepted may be lost.
type endingFalco struct {
	hub *hubtest.Server
	fed *harness.Feed
	// f are both Falcos.
	f   *harness.FalcoProcesses
	old *harness.FalcoProcess
	dir string // of the checkpoints
	d   *harness.Daemon
}

// startEndingFalco starts the first Falco.
func startEndingFalco(t *testing.T, f *harness.FalcoProcesses) *endingFalco {
	t.Helper()
	hub := harness.StartHub(t, 1)
	return &endingFalco{hub: hub, fed: harness.NewFeed(hub), f: f, old: f.Start(t, harness.FreeAddress(t)), dir: t.TempDir()}
}

// startDaemon starts a daemon that posts to url. It confirms what the sink has accepted, and writes checkpoints, as
// soon as it can.
func (e *endingFalco) startDaemon(t *testing.T, url string, settings harness.Settings) {
	t.Helper()
	e.d = harness.StartDaemon(t, harness.HubSettings(t, e.hub, url).With(harness.Settings{
		"CHECKPOINTDIR": e.dir, "CHECKPOINTINTERVAL": "100ms", "SINKSETTLETIME": settle.String(), "SHUTDOWNTIMEOUT": "30s", "LOGLEVEL": "",
	}).With(settings))
}

// settle is SINKSETTLETIME. It is longer than a test takes until Falco ends.
const settle = 2 * time.Second

// feed appends audit events.
func (e *endingFalco) feed(t *testing.T, events int) {
	t.Helper()
	e.fed.Add(t, events/perHubEvent, perHubEvent)
}

// feedFirst appends the first audit events, and waits until Falco has accepted them.
func (e *endingFalco) feedFirst(t *testing.T) {
	t.Helper()
	e.feed(t, endingFirst)
	e.awaitAccepted(t, endingFirst)
}

// awaitAccepted waits until this many audit events were answered with 2xx.
func (e *endingFalco) awaitAccepted(t *testing.T, events int) {
	t.Helper()
	harness.AwaitCount(t, events, func() int { return e.d.AcceptedEvents(t) }, "audit events have not been accepted")
}

// next starts the second Falco at an address of its own. It processes as fast as Falco can.
func (e *endingFalco) next(t *testing.T) *harness.FalcoProcess {
	t.Helper()
	e.f.Pace, e.f.Holds = quickPace, 0
	return e.f.Start(t, harness.FreeAddress(t))
}

// assertNoneLost waits until the checkpoint has passed everything, and checks that one of the Falcos has processed it.
func (e *endingFalco) assertNoneLost(t *testing.T) {
	t.Helper()
	harness.StateInFolder(e.dir).AwaitCaughtUp(t, e.hub)
	e.f.Flush(t)
	e.d.Stop(t)
	e.fed.AssertNoneLost(t, e.f.Used(t))
}
