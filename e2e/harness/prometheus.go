//go:build look

package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

// StartMonitored starts a daemon that has delivered, skipped and dead-lettered records, and whose sink now fails. It
// returns a Prometheus that scrapes the daemon.
func StartMonitored(t *testing.T) *Prometheus {
	t.Helper()
	hub, s := StartHub(t, 2), StartSink(t)
	d := StartDaemon(t, PageSettings(t, hub, s.URL))
	d.AwaitReady(t)
	p := StartPrometheus(t, d)
	p.AwaitResult(t, "aks_audit_log_build_info")
	fed := NewFeed(hub)
	fed.Add(t, 2, 3)
	hub.Append("0", HubEvent(t, RecordOf("kube-apiserver", "I0102 03:04:05 a line")))
	hub.Append("0", []byte(`{"category":"kube-audit", not JSON`))
	s.Await(t, fed.Total())
	s.AnswerWith(http.StatusServiceUnavailable)
	t.Cleanup(func() { s.AnswerWith(http.StatusOK) })
	fed.Add(t, 1, 1)
	p.AwaitResult(t, "aks_audit_log_sink_failing_partitions > 0")
	return p
}

// QueryWindow is the time range of queries. Grafana chooses it itself, and makes it longer than the scrape interval.
const QueryWindow = 30 * time.Second

// PrometheusPackage says how to install what the tests of the dashboard and the alerts need.
const PrometheusPackage = "they need Debian's package prometheus: apt-get install -y prometheus"

// Prometheus is a running Prometheus that scrapes every second.
type Prometheus struct {
	*Process
	url string
}

// StartPrometheus starts a Prometheus that scrapes the daemons. It adds a namespace and a job, as the chart's
// ServiceMonitor does.
func StartPrometheus(t *testing.T, daemons ...*Daemon) *Prometheus {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	require.NoError(t, err, PrometheusPackage)
	dir, address := t.TempDir(), FreeAddress(t)
	targets := make([]string, len(daemons))
	for i, d := range daemons {
		targets[i] = strings.TrimPrefix(d.StatsURL, "http://")
	}
	config := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: aks-audit-log-go
    static_configs: [{targets: ["%s"], labels: {namespace: falco}}]
`, strings.Join(targets, `", "`)), 0o600))
	p, err := StartProcess(t.Context(), dir, nil, binary, "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, p.Signal(syscall.SIGTERM))
		if t.Failed() {
			t.Logf("Prometheus printed:\n%s", Tail(p.Output.String()))
		}
	})
	started := &Prometheus{Process: p, url: "http://" + address}
	Wait(t, func() bool {
		status, _ := Get(t.Context(), started.url+"/-/ready")
		return status == http.StatusOK
	}, "Prometheus is ready")
	return started
}

// Series are the labels of a result of a query.
type Series map[string]string

// query evaluates PromQL now. It returns an error if Prometheus cannot parse the expression.
func (p *Prometheus) query(ctx context.Context, expr string) ([]Series, error) {
	status, body := Get(ctx, p.url+"/api/v1/query?query="+url.QueryEscape(expr))
	if status != http.StatusOK {
		return nil, fmt.Errorf("query %s: %d %s", expr, status, body)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric Series `json:"metric"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, fmt.Errorf("query %s: %w", expr, err)
	}
	var found []Series
	for _, result := range answer.Data.Result {
		found = append(found, result.Metric)
	}
	return found, nil
}

// AwaitResult waits until a query has a result, and returns it.
func (p *Prometheus) AwaitResult(t *testing.T, expr string) (found []Series) {
	t.Helper()
	var err error
	Wait(t, func() bool {
		found, err = p.query(t.Context(), expr)
		return err != nil || len(found) > 0
	}, "Prometheus has a result for %s", expr)
	require.NoError(t, err)
	return found
}

// PageSettings returns HubSettings with fast retries and the checkpoints in a folder.
func PageSettings(t *testing.T, hub *hubtest.Server, sinkURL string) Settings {
	t.Helper()
	return HubSettings(t, hub, sinkURL).With(FastRetries()).With(Settings{"CHECKPOINTDIR": t.TempDir()})
}
