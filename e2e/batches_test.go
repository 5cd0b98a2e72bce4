package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// marked is a text in the audit event that a strict front refuses.
const marked = "marked-for-refusal"

// startStrictFront starts a proxy in front of a webhook. The proxy answers 400 to every POST with the marked event.
// through counts the POSTs with audit events that it passed on.
func startStrictFront(t *testing.T, behind string) (front string, through *atomic.Int64) {
	t.Helper()
	target, err := url.Parse(behind)
	require.NoError(t, err)
	through = &atomic.Int64{}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: target.Scheme, Host: target.Host})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || bytes.Contains(body, []byte(marked)) {
			http.Error(w, "this will not do", http.StatusBadRequest)
			return
		}
		if string(body) != "[]" {
			through.Add(1)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL + target.Path, through
}

func TestOneBadEventIsNarrowedDownToBeforeFalcoAndTheOthersArrive(t *testing.T) {
	t.Parallel()
	hub, f, c := harness.StartHub(t, 1), harness.StartFalco(t), harness.NewBlobs(t)
	front, through := startStrictFront(t, f.URL)
	var good []string
	const events, records, badEvent, badRecord = 10, 10, 3, 7
	for event := range events {
		var all []string
		for record := range records {
			audit := harness.AuditEvent("0", records*event+record)
			if event == badEvent && record == badRecord {
				all = append(all, strings.Replace(audit, `"annotations":{`, `"annotations":{"note":"`+marked+`",`, 1))
				require.Contains(t, all[record], marked)
				continue
			}
			all, good = append(all, audit), append(good, audit)
		}
		hub.Append("0", harness.AuditHubEvent(t, all...))
	}
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, front))
	f.Await(t, len(good))
	d.AwaitMetric(t, harness.VerdictSeries("dead_lettered"), 1)
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), float64(len(good)))
	assert.Positive(t, d.Metric(t, "aks_audit_log_split_batches_total"))
	assert.InDelta(t, 1, d.Metric(t, "falco_aks_audit_log_events_errors"), 0)
	assert.InDelta(t, 0, d.Metric(t, "falco_aks_audit_log_events_retry"), 0)
	d.Stop(t)
	assert.Equal(t, good, f.SeenJSON(), "each once, in order")
	assert.Less(t, int(through.Load()), 20, "in batches")
	harness.AssertCaughtUp(t, hub, c)
	assert.Contains(t, string(c.Content(t, harness.DeadLetterName(t, c, "0", badEvent, badRecord))), marked)
}
