package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shortWatch makes the watchdog judge after seconds.
func shortWatch() settings { return settings{"WATCHDOGTIMEOUT": "4s"} }

// awaitHealth waits until the liveness probe answers status, and returns with what.
func (d *daemon) awaitHealth(t *testing.T, status int) string {
	t.Helper()
	var why string
	eventually(t, func() bool {
		var got int
		got, why = get(t.Context(), d.stats+"/healthz")
		return got == status
	}, "/healthz answers %d", status)
	return why
}

// The hub goes silent without closing its connections, as behind a firewall that has forgotten
// them: nothing tells the daemon but that nothing comes.
func TestAConsumerWedgedByASilentHubSaysSoAndRecoversByItself(t *testing.T) {
	t.Parallel()
	for _, client := range []string{newClient, oldClient} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			hub, s := startHub(t, 2), startSink(t)
			fed := newFeed(hub)
			fed.add(t, 3, 2)
			d := startDaemon(t, blobSettings(t, hub, newContainer(t), s.URL).with(shortWatch()).with(settings{"EVENTHUBCLIENT": client}))
			s.await(t, fed.total())
			d.awaitHealth(t, http.StatusOK)

			hub.GoSilent(true)
			before := hub.Dialled()
			fed.add(t, 3, 2)
			why := d.awaitHealth(t, http.StatusServiceUnavailable)
			assert.Contains(t, why, "wedged: the hub has answered no question for")
			assert.Greater(t, hub.Dialled(), before, "it has tried to connect again by itself")
			eventually(t, func() bool { return d.out.Contains("consumer does not get on, /healthz asks for a restart") }, "the log says so")
			assert.InDelta(t, 0, d.metric(t, "aks_audit_log_healthy"), 0)

			hub.GoSilent(false)
			s.await(t, fed.total())
			d.awaitHealth(t, http.StatusOK)
			eventually(t, func() bool { return d.out.Contains("consumer gets on again") }, "the log says so")
			d.stop(t)
			fed.assertOnceInOrder(t, s.accepted())
		})
	}
}

// The hub answers questions, so that the daemon knows of the events, but lets nobody read.
func TestAPartitionThatCannotBeReadIsNamedByTheLivenessProbe(t *testing.T) {
	t.Parallel()
	hub, s := startHub(t, 2), startSink(t)
	fed := newFeed(hub)
	fed.add(t, 3, 2)
	d := startDaemon(t, blobSettings(t, hub, newContainer(t), s.URL).with(shortWatch()))
	s.await(t, fed.total())

	hub.RefuseAttaches("com.microsoft:server-busy")
	hub.Detach("1", "com.microsoft:server-busy", "The service was unable to process the request; please retry the operation.")
	fed.add(t, 3, 2)
	why := d.awaitHealth(t, http.StatusServiceUnavailable)
	assert.Regexp(t, `^wedged: partition 1 has made no progress for \d+s, with 3 hub events to read\n$`, why)
	assert.Positive(t, d.metric(t, `aks_audit_log_receive_failures_total{partition="1"}`), "it has tried by itself")

	hub.RefuseAttaches("")
	s.await(t, fed.total())
	d.awaitHealth(t, http.StatusOK)
	d.stop(t)
	fed.assertOnceInOrder(t, s.accepted())
}

func TestASinkThatIsDownForLongIsNoReasonToRestart(t *testing.T) {
	t.Parallel()
	hub, s := startHub(t, 2), startSink(t)
	fed := newFeed(hub)
	s.answer(http.StatusServiceUnavailable)
	fed.add(t, 3, 2)
	d := startDaemon(t, blobSettings(t, hub, newContainer(t), s.URL).with(impatient()).with(settings{"WATCHDOGTIMEOUT": "1s"}))
	awaitSinkFailure(t, d)
	posts := s.posted()
	// Each of the two is posted again every second: so many take longer than the watchdog waits.
	eventually(t, func() bool {
		status, why := get(t.Context(), d.stats+"/healthz")
		require.Equal(t, http.StatusOK, status, why)
		return s.posted() > posts+8
	}, "the sink was down for long")
	s.answer(http.StatusOK)
	s.await(t, fed.total())
	d.awaitReady(t)
	d.stop(t)
	fed.assertOnceInOrder(t, s.accepted())
}
