package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

func TestASinkThatIsDownLongerThanAllRetriesLosesNothing(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusNotFound} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			hub, s := harness.StartHub(t, 2), harness.StartSink(t)
			fed := harness.NewFeed(hub)
			fed.Add(t, 3, 2)
			d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), s.URL).With(harness.FastRetries()))
			d.AwaitReady(t)
			s.Await(t, fed.Total())

			s.AnswerWith(status)
			fed.Add(t, 3, 2)
			harness.Wait(t, func() bool { return d.Metric(t, "falco_aks_audit_log_events_errors") >= 1 }, "an event is held")
			s.AnswerWith(http.StatusAccepted)
			s.Await(t, fed.Total())
			d.AwaitReady(t)
			assert.InDelta(t, 0, d.Metric(t, harness.VerdictSeries("dropped")), 0)
			assert.InDelta(t, 0, d.Metric(t, harness.VerdictSeries("dead_lettered")), 0)
			d.Stop(t)
			fed.AssertOnceInOrder(t, s.Accepted())
		})
	}
}

func TestFalcoMayStartLongAfterTheDaemon(t *testing.T) {
	t.Parallel()
	hub, address := harness.StartHub(t, 2), harness.FreeAddress(t)
	fed := harness.NewFeed(hub)
	fed.Add(t, 3, 2)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), "http://"+address+"/k8s-audit").With(harness.FastRetries()))
	harness.AwaitSinkFailure(t, d)
	f := harness.OpenFalco(t, address)
	t.Cleanup(f.Close)
	f.Await(t, fed.Total())
	d.AwaitReady(t)
	d.Stop(t)
	fed.AssertOnceInOrder(t, f.SeenJSON())
}

func TestWhatIsHeldWhenTheDaemonStopsArrivesAfterARestart(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 2), harness.StartSink(t), harness.NewBlobs(t)
	fed := harness.NewFeed(hub)
	s.AnswerWith(http.StatusServiceUnavailable)
	fed.Add(t, 3, 2)
	environ := harness.BlobSettings(t, hub, c, s.URL).With(harness.FastRetries())
	d := harness.StartDaemon(t, environ)
	harness.AwaitSinkFailure(t, d)
	d.Stop(t)
	require.Empty(t, s.Accepted())

	s.AnswerWith(http.StatusOK)
	again := harness.StartDaemon(t, environ)
	s.Await(t, fed.Total())
	again.Stop(t)
	fed.AssertOnceInOrder(t, s.Accepted())
}

func TestTheDropPolicyCountsWhatItDropsAndGoesOn(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
	dropped, kept := harness.NewFeed(hub), harness.NewFeed(hub)
	s.AnswerWith(http.StatusServiceUnavailable)
	dropped.Add(t, 2, 3)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL).With(harness.FastRetries()).With(harness.Settings{
		"POSTFAILUREPOLICY": "drop", "POSTBATCHMAXEVENTS": "1",
	}))
	harness.AwaitSinkFailure(t, d)
	d.AwaitMetric(t, harness.VerdictSeries("dropped"), float64(dropped.Total()))
	assert.Equal(t, 3*dropped.Total(), s.Posted(), "each was posted once and repeated twice")

	s.AnswerWith(http.StatusOK)
	kept.Add(t, 2, 3)
	s.Await(t, kept.Total())
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), float64(kept.Total()))
	d.AwaitReady(t)
	d.Stop(t)
	kept.AssertOnceInOrder(t, s.Accepted())
	harness.AssertCaughtUp(t, hub, c)
}
