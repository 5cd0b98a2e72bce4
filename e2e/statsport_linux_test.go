package e2e

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

const (
	// crowd is how many connections one address opens.
	crowd = 2000
	// crowdMemory is the limit of the daemon's resident size, in bytes.
	crowdMemory = 40 << 20
	// probeTimeout is the kubelet's default timeout of a probe.
	probeTimeout = time.Second
)

// dialFrom returns a dialler from one of the addresses of the loopback network. Linux has these without configuration.
func dialFrom(address string) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
}

func TestThousandsOfConnectionsToTheStatisticsPortNeitherFillTheMemoryNorHoldUpTheProbes(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]string{"idle": "", "unread metrics": "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n", "unfinished requests": "GET /metrics HTTP/1.1\r\nHost:"} {
		t.Run(name, func(t *testing.T) {
			hub, s := harness.StartHub(t, 1), harness.StartSink(t)
			d := harness.RunDaemon(t, harness.ReleaseBinary(t), harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir()}))
			d.AwaitReady(t)
			at, err := url.Parse(d.StatsURL)
			require.NoError(t, err)
			for range crowd {
				conn, err := dialFrom("127.0.0.1").DialContext(t.Context(), "tcp", at.Host)
				require.NoError(t, err)
				t.Cleanup(func() { _ = conn.Close() })
				_, _ = conn.Write([]byte(request)) // it fails if the connection is already closed
			}
			for _, address := range []string{"127.0.0.2", "127.0.0.1"} {
				client := http.Client{Transport: &http.Transport{DialContext: dialFrom(address).DialContext, DisableKeepAlives: true}}
				ctx, cancel := context.WithTimeout(t.Context(), probeTimeout)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.StatsURL+"/healthz", nil)
				require.NoError(t, err)
				res, err := client.Do(req)
				require.NoError(t, err, address)
				assert.Equal(t, http.StatusOK, res.StatusCode)
				require.NoError(t, res.Body.Close())
			}
			highest := highestResident(t, d.Process)
			t.Logf("highest resident size: %.1f MiB", float64(highest)/(1<<20))
			assert.Less(t, highest, crowdMemory)
			d.Stop(t)
		})
	}
}
