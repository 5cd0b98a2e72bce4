//go:build look

package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// startMonitored runs a daemon that has delivered, skipped and dead-lettered and whose sink fails
// now, and a Prometheus that scrapes it.
func startMonitored(t *testing.T) *prometheus {
	t.Helper()
	hub, s := startHub(t, 2), startSink(t)
	d := startDaemon(t, pageSettings(t, hub, s.URL))
	d.awaitReady(t)
	p := startPrometheus(t, strings.TrimPrefix(d.stats, "http://"))
	p.finds(t, "aks_audit_log_build_info")
	fed := newFeed(hub)
	fed.add(t, 2, 3)
	hub.Append("0", hubEvent(t, recordOf("kube-apiserver", "I0102 03:04:05 a line")))
	hub.Append("0", []byte("not JSON"))
	s.await(t, fed.total())
	s.answer(http.StatusServiceUnavailable)
	t.Cleanup(func() { s.answer(http.StatusOK) })
	fed.add(t, 1, 1)
	p.finds(t, "aks_audit_log_sink_failing_partitions > 0")
	return p
}

// queryWindow stands for the windows that Grafana chooses, which are longer than some scrapes, too.
const queryWindow = 30 * time.Second
