package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
)

// The daemon is not told that its connections are dead. It detects that, opens others, and receives the hub events
// that arrived meanwhile, long before the watchdog acts.
func TestConnectionsThatAFirewallHasForgottenAreReplaced(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 2), harness.StartSink(t), harness.NewBlobs(t)
	wall := harness.StartFirewall(t, hub)
	fed := harness.NewFeed(hub)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL).With(harness.Settings{"EHUBNAMESPACECONNECTIONSTRING": wall.ConnectionString(hub)}))
	fed.Add(t, 3, 2)
	s.Await(t, fed.Total())
	wall.Forget()
	fed.Add(t, 3, 2)
	s.Await(t, fed.Total())
	status, why := harness.Get(t.Context(), d.StatsURL+"/healthz")
	assert.Equal(t, http.StatusOK, status, why)
	d.Stop(t)
	fed.AssertOnceInOrder(t, s.Accepted())
	harness.AssertCaughtUp(t, hub, c)
}
