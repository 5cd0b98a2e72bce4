//go:build look

package e2e

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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// prometheusPackage is what the tests of the dashboard and of the alerts need.
const prometheusPackage = "they need Debian's package prometheus: apt-get install -y prometheus"

// prometheus is a running Prometheus that scrapes every second.
type prometheus struct {
	*process
	url string
}

// startPrometheus scrapes the targets, host:port each, as a ServiceMonitor of the chart would have it
// done: with a namespace and a job.
func startPrometheus(t *testing.T, targets ...string) *prometheus {
	t.Helper()
	binary, err := exec.LookPath("prometheus")
	require.NoError(t, err, prometheusPackage)
	dir, address := t.TempDir(), freeAddress(t)
	config := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: aks-audit-log-go
    static_configs: [{targets: ["%s"], labels: {namespace: falco}}]
`, strings.Join(targets, `", "`)), 0o600))
	p, err := startProcess(t.Context(), dir, nil, binary, "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, p.signal(syscall.SIGTERM))
		if t.Failed() {
			t.Logf("Prometheus printed:\n%s", lastOf(p.out.String()))
		}
	})
	started := &prometheus{process: p, url: "http://" + address}
	eventually(t, func() bool {
		status, _ := get(t.Context(), started.url+"/-/ready")
		return status == http.StatusOK
	}, "Prometheus is ready")
	return started
}

// series are the labels of one result of a query.
type series map[string]string

// query evaluates PromQL at this moment. An expression that Prometheus cannot parse is an error.
func (p *prometheus) query(ctx context.Context, expr string) ([]series, error) {
	status, body := get(ctx, p.url+"/api/v1/query?query="+url.QueryEscape(expr))
	if status != http.StatusOK {
		return nil, fmt.Errorf("query %s: %d %s", expr, status, body)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric series `json:"metric"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, fmt.Errorf("query %s: %w", expr, err)
	}
	var found []series
	for _, result := range answer.Data.Result {
		found = append(found, result.Metric)
	}
	return found, nil
}

// finds waits until a query has a result, and answers it.
func (p *prometheus) finds(t *testing.T, expr string) (found []series) {
	t.Helper()
	var err error
	eventually(t, func() bool {
		found, err = p.query(t.Context(), expr)
		return err != nil || len(found) > 0
	}, "Prometheus finds something for %s", expr)
	require.NoError(t, err)
	return found
}
