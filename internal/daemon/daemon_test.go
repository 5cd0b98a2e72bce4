package daemon

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/hubtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// azeventhubs' client does not close its management link when it is closed. The goroutine that renews the
		// authorisation of that link ends minutes later, when it finds the client closed.
		goleak.IgnoreTopFunction("github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2/internal.(*Namespace).startNegotiateClaimRenewer.func3"))
}

const record = `{"records":[{"category":"kube-audit","properties":{"log":"{\"kind\":\"Event\",\"auditID\":\"a\",\"stageTimestamp\":\"2026-01-31T12:00:00Z\"}\n"}}]}`

func TestTheDaemonForwardsServesItsStatisticsAndStops(t *testing.T) {
	hub, err := hubtest.Start(hubtest.Config{Partitions: 1})
	require.NoError(t, err)
	defer hub.Close()
	trust(t, hub)
	bodies := make(chan string, 1)
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != "[]" {
			bodies <- string(body)
		}
	}))
	defer sink.Close()

	ctx, stop := context.WithCancel(t.Context())
	d := newDaemon(t, hub, sink.URL)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	hub.Append("0", []byte(record))
	select {
	case body := <-bodies:
		assert.JSONEq(t, `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[`+
			`{"kind":"Event","auditID":"a","stageTimestamp":"2026-01-31T12:00:00Z"}]}`, body)
	case <-time.After(2 * time.Minute):
		t.Fatal("the audit event did not arrive")
	}
	assert.Contains(t, get(t, "http://"+d.StatsAddr()+"/metrics"), "aks_audit_log_build_info")
	names := hub.ReceiverNames("0")
	require.Len(t, names, 1)
	require.NotEmpty(t, names[0])
	assert.Contains(t, get(t, "http://"+d.StatsAddr()+"/status.json"), `"`+names[0]+`"`,
		"the service shows the owner of the partition to a reader that is displaced")
	delivered := regexp.MustCompile(`"delivered_audit_events":\[[^\]]*1[,\]]`)
	assert.Eventually(t, func() bool {
		return delivered.MatchString(get(t, "http://"+d.StatsAddr()+"/history.json?partition=0"))
	}, time.Minute, 50*time.Millisecond, "the history has the audit event")
	stop()
	require.NoError(t, <-ended)
}

// trust makes the process trust the emulator's CA. It must run before the first handshake.
func trust(t *testing.T, hub *hubtest.Server) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, hub.CAPEM(), 0o600))
	t.Setenv("SSL_CERT_FILE", file)
}

func newDaemon(t *testing.T, hub *hubtest.Server, sink string) *Daemon {
	t.Helper()
	cfg, err := forwarder.Load([]string{
		"EHUBNAMESPACECONNECTIONSTRING=" + hub.ConnectionString(), "EVENTHUBNAME=" + hub.HubName(),
		"CHECKPOINTDIR=" + t.TempDir(), "WEBSINKURL=" + sink, "STATSADDRESS=127.0.0.1:0",
		"SINKSETTLETIME=100ms", // a stop waits for it
	})
	require.NoError(t, err)
	log, _ := logtest.NewNullLogger()
	d, err := New(t.Context(), cfg, log)
	require.NoError(t, err)
	return d
}

func get(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(body)
}

// TestADaemonThatCannotListenUnlocksItsFolder makes a second daemon on the folder of one whose port was in use.
func TestADaemonThatCannotListenUnlocksItsFolder(t *testing.T) {
	taken := httptest.NewServer(http.NotFoundHandler())
	defer taken.Close()
	dir := t.TempDir()
	log, _ := logtest.NewNullLogger()
	load := func(stats string) forwarder.Config {
		cfg, err := forwarder.Load([]string{
			"EHUBNAMESPACECONNECTIONSTRING=Endpoint=sb://127.0.0.1:1/;SharedAccessKeyName=listen;SharedAccessKey=c2VjcmV0",
			"EVENTHUBNAME=hub", "CHECKPOINTDIR=" + dir, "WEBSINKURL=http://127.0.0.1:1/", "STATSADDRESS=" + stats,
		})
		require.NoError(t, err)
		return cfg
	}
	_, err := New(t.Context(), load(taken.Listener.Addr().String()), log)
	require.ErrorContains(t, err, "listen for statistics")
	d, err := New(t.Context(), load("127.0.0.1:0"), log)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.NoError(t, d.Run(ctx))
}
