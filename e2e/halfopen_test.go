package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Nothing tells the daemon that its connections are dead: it finds out, opens others, and gets the
// hub events that came meanwhile, long before the watchdog would judge.
func TestConnectionsThatAFirewallHasForgottenAreReplaced(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 2), startSink(t), newContainer(t)
	wall := startFirewall(t, hub)
	fed := newFeed(hub)
	d := startDaemon(t, blobSettings(t, hub, c, s.URL).with(settings{"EHUBNAMESPACECONNECTIONSTRING": wall.through(hub)}))
	fed.add(t, 3, 2)
	s.await(t, fed.total())
	wall.forget()
	fed.add(t, 3, 2)
	s.await(t, fed.total())
	status, why := get(t.Context(), d.stats+"/healthz")
	assert.Equal(t, http.StatusOK, status, why)
	d.stop(t)
	fed.assertOnceInOrder(t, s.accepted())
	assertCaughtUp(t, hub, c)
}
