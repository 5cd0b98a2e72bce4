package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/internal/hubtest"
)

// hubFault is something that befalls the hub. It is over when strike returns.
type hubFault struct {
	strike func(t *testing.T, hub *hubtest.Server, d *daemon)
	// says is in the daemon's log behind it.
	says string
}

// hubFaults are the faults of the hub that the daemon has to get over by itself.
func hubFaults() map[string]hubFault {
	faults := map[string]hubFault{
		"all connections are lost":                 {strike: dropConnections(1)},
		"all connections are lost again and again": {strike: dropConnections(3)},
		"attaches are refused for a while": {strike: func(t *testing.T, hub *hubtest.Server, d *daemon) {
			hub.RefuseAttaches("com.microsoft:server-busy")
			hub.Detach("", "com.microsoft:server-busy", "The service is busy.")
			d.awaitReceiveFailures(t, 3)
			hub.RefuseAttaches("")
		}},
		"connections are refused for a while": {strike: func(t *testing.T, hub *hubtest.Server, _ *daemon) {
			hub.RefuseConnections(true)
			hub.DropConnections()
			before := hub.Dialled()
			eventually(t, func() bool { return hub.Dialled() > before+6 }, "the daemon goes on trying to connect")
			hub.RefuseConnections(false)
		}},
		"tokens are refused for a while": {says: "the hub does not accept the key or signature", strike: func(t *testing.T, hub *hubtest.Server, d *daemon) {
			hub.RefuseTokens(true)
			hub.DropConnections()
			d.awaitReceiveFailures(t, 3)
			hub.RefuseTokens(false)
		}},
		"the tokens expire": {strike: func(_ *testing.T, hub *hubtest.Server, _ *daemon) { hub.ExpireClaims() }},
		"the tokens expire and no others are taken for a while": {strike: func(t *testing.T, hub *hubtest.Server, d *daemon) {
			hub.RefuseTokens(true)
			hub.ExpireClaims()
			d.awaitReceiveFailures(t, 3)
			hub.RefuseTokens(false)
		}},
		"our clock is hours behind the hub's for a while": {says: "the hub does not accept the key or signature", strike: func(t *testing.T, hub *hubtest.Server, d *daemon) {
			hub.SkewClock(5 * time.Hour)
			hub.DropConnections()
			d.awaitReceiveFailures(t, 3)
			hub.SkewClock(0)
		}},
		"our clock is hours ahead of the hub's": {strike: func(_ *testing.T, hub *hubtest.Server, _ *daemon) {
			hub.SkewClock(-5 * time.Hour)
			hub.DropConnections()
		}},
	}
	for _, condition := range []string{"amqp:internal-error", "com.microsoft:server-busy", "amqp:connection:forced", "com.microsoft:timeout"} {
		faults["links are detached with "+condition] = hubFault{strike: func(_ *testing.T, hub *hubtest.Server, _ *daemon) {
			hub.Detach("", condition, "something is wrong here")
		}}
	}
	return faults
}

// dropConnections cuts all connections so many times, each time once the daemon reads again.
func dropConnections(times int) func(*testing.T, *hubtest.Server, *daemon) {
	return func(t *testing.T, hub *hubtest.Server, d *daemon) {
		for range times {
			awaitWork(t, d)
			hub.DropConnections()
		}
	}
}

// awaitReceiveFailures waits until receiving from either of two partitions failed so many times
// more.
func (d *daemon) awaitReceiveFailures(t *testing.T, times float64) {
	t.Helper()
	failures := func() float64 {
		return d.metric(t, `aks_audit_log_receive_failures_total{partition="0"}`) + d.metric(t, `aks_audit_log_receive_failures_total{partition="1"}`)
	}
	before := failures()
	eventually(t, func() bool { return failures() >= before+times }, "receiving failed %v times more", times)
}

// getOver has a fault strike a daemon at work, to which hub events come every so often. It demands
// that the daemon goes on by itself, that no audit event is lost, repeated or out of order, and that
// no checkpoint passed one that was not delivered.
func getOver(t *testing.T, every time.Duration, fault hubFault) {
	t.Helper()
	hub, s, c := startHub(t, 2), startSink(t), newContainer(t)
	fed := newFeed(hub)
	d := startDaemon(t, blobSettings(t, hub, c, s.URL).with(settings{"CHECKPOINTINTERVAL": "200ms"}))
	guard := guardCheckpoints(t, c, s, 3)
	load := startFlow(t, fed, every)
	awaitWork(t, d)
	fault.strike(t, hub, d)
	awaitWork(t, d)
	load.end()
	eventually(t, func() bool { return caughtUp(t, hub, c) }, "the checkpoints stand at the last events")
	guard.assertNonePassed(t)
	d.stop(t)
	fed.assertOnceInOrder(t, s.accepted())
	if fault.says != "" {
		assert.True(t, d.out.Contains(fault.says), "the log says why")
	}
}

func TestEachFaultOfTheHubIsGotOverWithoutLossOrRepetition(t *testing.T) {
	t.Parallel()
	for name, fault := range hubFaults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			getOver(t, 50*time.Millisecond, fault)
		})
	}
}
