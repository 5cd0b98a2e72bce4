package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// hubFault is a fault of the hub. It has ended when strike returns.
type hubFault struct {
	strike func(t *testing.T, hub *hubtest.Server, d *harness.Daemon)
	// says is what the daemon logs because of the fault.
	says string
}

// hubFaults returns the faults of the hub from which the daemon must recover by itself.
func hubFaults() map[string]hubFault {
	faults := map[string]hubFault{
		"all connections are lost":                 {strike: dropConnections(1)},
		"all connections are lost again and again": {strike: dropConnections(3)},
		"attaches are refused for a while": {strike: func(t *testing.T, hub *hubtest.Server, d *harness.Daemon) {
			hub.RefuseAttaches("com.microsoft:server-busy")
			hub.Detach("", "com.microsoft:server-busy", "The service is busy.")
			d.AwaitReceiveFailures(t, 3)
			hub.RefuseAttaches("")
		}},
		"connections are refused for a while": {strike: func(t *testing.T, hub *hubtest.Server, _ *harness.Daemon) {
			hub.RefuseConnections(true)
			hub.DropConnections()
			before := hub.Dialled()
			harness.Wait(t, func() bool { return hub.Dialled() > before+6 }, "the daemon goes on trying to connect")
			hub.RefuseConnections(false)
		}},
		"tokens are refused for a while": {says: "the hub does not accept the key or signature", strike: func(t *testing.T, hub *hubtest.Server, d *harness.Daemon) {
			hub.RefuseTokens(true)
			hub.DropConnections()
			d.AwaitReceiveFailures(t, 3)
			hub.RefuseTokens(false)
		}},
		"the tokens expire": {strike: func(_ *testing.T, hub *hubtest.Server, _ *harness.Daemon) { hub.ExpireClaims() }},
		"the tokens expire and no others are taken for a while": {strike: func(t *testing.T, hub *hubtest.Server, d *harness.Daemon) {
			hub.RefuseTokens(true)
			hub.ExpireClaims()
			d.AwaitReceiveFailures(t, 3)
			hub.RefuseTokens(false)
		}},
		"our clock is hours behind the hub's for a while": {says: "the hub does not accept the key or signature", strike: func(t *testing.T, hub *hubtest.Server, d *harness.Daemon) {
			hub.SkewClock(5 * time.Hour)
			hub.DropConnections()
			d.AwaitReceiveFailures(t, 3)
			hub.SkewClock(0)
		}},
		"our clock is hours ahead of the hub's": {strike: func(_ *testing.T, hub *hubtest.Server, _ *harness.Daemon) {
			hub.SkewClock(-5 * time.Hour)
			hub.DropConnections()
		}},
	}
	for _, condition := range []string{"amqp:internal-error", "com.microsoft:server-busy", "amqp:connection:forced", "com.microsoft:timeout"} {
		faults["links are detached with "+condition] = hubFault{strike: func(_ *testing.T, hub *hubtest.Server, _ *harness.Daemon) {
			hub.Detach("", condition, "something is wrong here")
		}}
	}
	return faults
}

// dropConnections returns a fault that cuts all connections several times, each time after the daemon delivers again.
func dropConnections(times int) func(*testing.T, *hubtest.Server, *harness.Daemon) {
	return func(t *testing.T, hub *hubtest.Server, d *harness.Daemon) {
		for range times {
			harness.AwaitDeliveries(t, d)
			hub.DropConnections()
		}
	}
}

// assertRecoversFrom causes a fault while a daemon is busy with hub events that arrive regularly. It asserts that the
// daemon recovers by itself, that no audit event is lost, repeated or out of order, and that no checkpoint passes an
// event that was not delivered.
func assertRecoversFrom(t *testing.T, every time.Duration, fault hubFault) {
	t.Helper()
	hub, s, c := harness.StartHub(t, 2), harness.StartSink(t), harness.NewBlobs(t)
	fed := harness.NewFeed(hub)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL).With(harness.Settings{"CHECKPOINTINTERVAL": "200ms"}))
	guard := harness.GuardCheckpoints(t, c, s, 3)
	load := harness.StartFeedLoop(t, fed, every)
	harness.AwaitDeliveries(t, d)
	fault.strike(t, hub, d)
	harness.AwaitDeliveries(t, d)
	load.End()
	harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoints stand at the last events")
	guard.AssertNonePassed(t)
	d.Stop(t)
	fed.AssertOnceInOrder(t, s.Accepted())
	if fault.says != "" {
		assert.True(t, d.Output.Contains(fault.says), "the log says why")
	}
}

func TestEachFaultOfTheHubIsGotOverWithoutLossOrRepetition(t *testing.T) {
	t.Parallel()
	for name, fault := range hubFaults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assertRecoversFrom(t, 50*time.Millisecond, fault)
		})
	}
}
