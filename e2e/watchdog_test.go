package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// The hub becomes silent without closing its connections, as after a firewall has forgotten them. The daemon can only
// notice that nothing arrives.
func TestAConsumerWedgedByASilentHubSaysSoAndRecoversByItself(t *testing.T) {
	t.Parallel()
	for _, client := range []string{harness.CurrentClient, harness.LegacyClient} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			hub, s := harness.StartHub(t, 2), harness.StartSink(t)
			fed := harness.NewFeed(hub)
			fed.Add(t, 3, 2)
			d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), s.URL).With(harness.ShortWatchdog()).With(harness.Settings{"EVENTHUBCLIENT": client}))
			s.Await(t, fed.Total())
			d.AwaitHealthy(t)

			hub.GoSilent(true)
			before := hub.Dialled()
			fed.Add(t, 3, 2)
			d.AwaitHealth(t, http.StatusServiceUnavailable, "^wedged: the hub has answered no request for")
			harness.Wait(t, func() bool { return hub.Dialled() > before }, "it tries to connect again by itself")
			harness.Wait(t, func() bool {
				return d.Output.Contains("consumer makes no progress: /healthz answers 503, so that a liveness probe restarts it")
			}, "the log says so")
			assert.InDelta(t, 0, d.Metric(t, "aks_audit_log_healthy"), 0)

			hub.GoSilent(false)
			s.Await(t, fed.Total())
			d.AwaitHealthy(t)
			harness.Wait(t, func() bool { return d.Output.Contains("consumer makes progress again") }, "the log says so")
			d.Stop(t)
			fed.AssertOnceInOrder(t, s.Accepted())
		})
	}
}

// The hub answers management requests, so the daemon knows that there are events, but no reader may read them.
func TestAPartitionThatCannotBeReadIsNamedByTheLivenessProbe(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 2), harness.StartSink(t)
	fed := harness.NewFeed(hub)
	fed.Add(t, 3, 2)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), s.URL).With(harness.ShortWatchdog()))
	s.Await(t, fed.Total())

	hub.RefuseAttaches("com.microsoft:server-busy")
	hub.Detach("1", "com.microsoft:server-busy", "The service was unable to process the request; please retry the operation.")
	fed.Add(t, 3, 2)
	d.AwaitHealth(t, http.StatusServiceUnavailable, `^wedged: partition 1 has made no progress for \d+s, with 3 hub events to read\n$`)
	assert.Positive(t, d.Metric(t, `aks_audit_log_receive_failures_total{partition="1"}`), "it has tried by itself")

	hub.RefuseAttaches("")
	s.Await(t, fed.Total())
	d.AwaitHealthy(t)
	d.Stop(t)
	fed.AssertOnceInOrder(t, s.Accepted())
}

func TestASinkThatIsDownForLongIsNoReasonToRestart(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 2), harness.StartSink(t)
	fed := harness.NewFeed(hub)
	s.AnswerWith(http.StatusServiceUnavailable)
	fed.Add(t, 3, 2)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), s.URL).With(harness.FastRetries()).With(harness.Settings{"WATCHDOGTIMEOUT": "20s"}))
	harness.AwaitSinkFailure(t, d)
	posts := s.Posted()
	// Each of the two events is posted again every second. This many attempts take longer than the watchdog waits.
	harness.AwaitCount(t, posts+2*24, func() int {
		status, why := harness.Get(t.Context(), d.StatsURL+"/healthz")
		require.Equal(t, http.StatusOK, status, why)
		return s.Posted()
	}, "POSTs are left until the sink was down for long")
	s.AnswerWith(http.StatusOK)
	s.Await(t, fed.Total())
	d.AwaitReady(t)
	d.Stop(t)
	fed.AssertOnceInOrder(t, s.Accepted())
}
