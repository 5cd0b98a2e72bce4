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
)

// marked is in the audit event that a strict front does not let through.
const marked = "marked-for-refusal"

// startStrictFront stands before a webhook and answers 400 to whatever holds the marked event. It
// returns how many it let through, too.
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
		through.Add(1)
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL + target.Path, through
}

func TestOneBadEventIsNarrowedDownToBeforeFalcoAndTheOthersArrive(t *testing.T) {
	t.Parallel()
	hub, f, c := startHub(t, 1), startFalco(t), newContainer(t)
	front, through := startStrictFront(t, f.url)
	var good []string
	const events, records, badEvent, badRecord = 10, 10, 3, 7
	for event := range events {
		var all []string
		for record := range records {
			audit := auditEvent("0", records*event+record)
			if event == badEvent && record == badRecord {
				all = append(all, strings.Replace(audit, `"annotations":{`, `"annotations":{"note":"`+marked+`",`, 1))
				require.Contains(t, all[record], marked)
				continue
			}
			all, good = append(all, audit), append(good, audit)
		}
		hub.Append("0", auditHubEvent(t, all...))
	}
	d := startDaemon(t, blobSettings(t, hub, c, front))
	f.await(t, len(good))
	d.awaitMetric(t, verdicts("dead_lettered"), 1)
	d.awaitMetric(t, verdicts("delivered"), float64(len(good)))
	assert.Positive(t, d.metric(t, "aks_audit_log_split_batches_total"))
	assert.InDelta(t, 1, d.metric(t, "falco_aks_audit_log_events_errors"), 0)
	assert.InDelta(t, 0, d.metric(t, "falco_aks_audit_log_events_retry"), 0)
	d.stop(t)
	assert.Equal(t, good, f.seenJSON(), "each once, in order")
	assert.Less(t, int(through.Load()), 20, "in batches")
	assertCaughtUp(t, hub, c)
	assert.Contains(t, string(c.content(t, deadLetterName("0", badEvent, badRecord))), marked)
}
