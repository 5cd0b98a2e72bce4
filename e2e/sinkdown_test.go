package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// impatient settings use the retries up at once, as a sink that is down for minutes does with
// the default ones.
func impatient() settings {
	return settings{"POSTMAXRETRIES": "2", "POSTRETRYINCREMENTALDELAY": "20"}
}

// awaitSinkFailure waits until the retries of an event are used up and the probe says so.
func awaitSinkFailure(t *testing.T, d *daemon) {
	t.Helper()
	eventually(t, func() bool {
		return d.metric(t, "falco_aks_audit_log_events_errors") >= 1 && d.metric(t, "falco_aks_audit_log_events_retry") >= 2
	}, "the retries are used up")
	eventually(t, func() bool { status, _ := d.readyz(t); return status == http.StatusServiceUnavailable },
		"the daemon reports that it is not ready")
	_, why := d.readyz(t)
	assert.Contains(t, why, "sink", "the reason for not being ready")
	status, _ := get(t.Context(), d.stats+"/healthz")
	assert.Equal(t, http.StatusOK, status, "a sink that is down is no reason to restart the daemon")
}

func TestASinkThatIsDownLongerThanAllRetriesLosesNothing(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusNotFound} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			hub, s := startHub(t, 2), startSink(t)
			fed := newFeed(hub)
			fed.add(t, 3, 2)
			d := startDaemon(t, blobSettings(t, hub, newContainer(t), s.URL).with(impatient()))
			d.awaitReady(t)
			s.await(t, fed.total())

			s.answer(status)
			fed.add(t, 3, 2)
			eventually(t, func() bool { return d.metric(t, "falco_aks_audit_log_events_errors") >= 1 }, "an event is held")
			s.answer(http.StatusAccepted)
			s.await(t, fed.total())
			d.awaitReady(t)
			assert.InDelta(t, 0, d.metric(t, verdicts("dropped")), 0)
			assert.InDelta(t, 0, d.metric(t, verdicts("dead_lettered")), 0)
			d.stop(t)
			fed.assertOnceInOrder(t, s.accepted())
		})
	}
}

func TestFalcoMayStartLongAfterTheDaemon(t *testing.T) {
	t.Parallel()
	hub, address := startHub(t, 2), freeAddress(t)
	fed := newFeed(hub)
	fed.add(t, 3, 2)
	d := startDaemon(t, blobSettings(t, hub, newContainer(t), "http://"+address+"/k8s-audit").with(impatient()))
	awaitSinkFailure(t, d)
	f := openFalco(t, address)
	t.Cleanup(f.close)
	f.await(t, fed.total())
	d.awaitReady(t)
	d.stop(t)
	fed.assertOnceInOrder(t, f.seenJSON())
}

func TestWhatIsHeldWhenTheDaemonStopsArrivesAfterARestart(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 2), startSink(t), newContainer(t)
	fed := newFeed(hub)
	s.answer(http.StatusServiceUnavailable)
	fed.add(t, 3, 2)
	environ := blobSettings(t, hub, c, s.URL).with(impatient())
	d := startDaemon(t, environ)
	awaitSinkFailure(t, d)
	d.stop(t)
	require.Empty(t, s.accepted())

	s.answer(http.StatusOK)
	again := startDaemon(t, environ)
	s.await(t, fed.total())
	again.stop(t)
	fed.assertOnceInOrder(t, s.accepted())
}

func TestTheDropPolicyCountsWhatItDropsAndGoesOn(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 1), startSink(t), newContainer(t)
	dropped, kept := newFeed(hub), newFeed(hub)
	s.answer(http.StatusServiceUnavailable)
	dropped.add(t, 2, 3)
	d := startDaemon(t, blobSettings(t, hub, c, s.URL).with(impatient()).with(settings{
		"POSTFAILUREPOLICY": "drop", "POSTBATCHMAXEVENTS": "1",
	}))
	awaitSinkFailure(t, d)
	d.awaitMetric(t, verdicts("dropped"), float64(dropped.total()))
	assert.Equal(t, 3*dropped.total(), s.posted(), "each was posted once and repeated twice")

	s.answer(http.StatusOK)
	kept.add(t, 2, 3)
	s.await(t, kept.total())
	d.awaitMetric(t, verdicts("delivered"), float64(kept.total()))
	d.awaitReady(t)
	d.stop(t)
	kept.assertOnceInOrder(t, s.accepted())
	assertCaughtUp(t, hub, c)
}
