package e2e

import (
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

func TestProfilesAreServedAtAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
	address := harness.FreeAddress(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL).With(harness.Settings{"PPROFADDRESS": port}))
	d.AwaitReady(t)
	status, body := harness.Get(t.Context(), "http://"+address+"/debug/pprof/heap?debug=1")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "heap profile:")
	status, _ = harness.Get(t.Context(), d.StatsURL+"/debug/pprof/heap")
	assert.Equal(t, http.StatusNotFound, status, "not on the statistics port")
	status, _ = harness.Get(t.Context(), "http://"+address+"/metrics")
	assert.Equal(t, http.StatusNotFound, status)
	assert.NotContains(t, d.Output.String(), "loopback")

	environ := harness.BlobSettings(t, hub, c, s.URL).With(harness.Settings{"STATSADDRESS": harness.FreeAddress(t), "PPROFADDRESS": address})
	code, _, stderr := harness.RunToEnd(t, environ)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "listen for profiles on "+address)
	assert.Contains(t, stderr, "address already in use")
	d.Stop(t)
	status, _ = harness.Get(t.Context(), "http://"+address+"/debug/pprof/heap")
	assert.Zero(t, status, "it ends with the daemon")
}

func TestProfilesForOthersAreWarnedOf(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	_, port, err := net.SplitHostPort(harness.FreeAddress(t))
	require.NoError(t, err)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, harness.NewBlobs(t), s.URL).With(harness.Settings{"PPROFADDRESS": "0.0.0.0:" + port}))
	d.AwaitReady(t)
	assert.Contains(t, d.Output.String(), "PPROFADDRESS is no loopback address")
	d.Stop(t)
}
