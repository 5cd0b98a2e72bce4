package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// silence is the result of playSilence.
type silence struct {
	heard, silent string
	// last is the time of the silent cluster's last record, and newest that of the other cluster.
	last, newest time.Time
}

const (
	clusterRecords = `aks_audit_log_cluster_records_total{cluster=%q}`
	clusterNewest  = `aks_audit_log_cluster_newest_timestamp_seconds{cluster=%q}`
)

// appendOf appends a hub event with a record of each cluster. The hub got it at the time at.
func appendOf(t *testing.T, hub *hubtest.Server, at time.Time, n int, clusters ...string) {
	t.Helper()
	var records []harness.Record
	for i, cluster := range clusters {
		records = append(records, ofCluster(cluster, harness.AuditEvent("0", 2*n+i)))
	}
	hub.AppendMessage("0", hubtest.Message{Body: [][]byte{harness.HubEvent(t, records...)}, Enqueued: at})
}

// playSilence makes one of two clusters of a hub silent for 20 minutes, while the other one writes. Before that, both
// write, and no cluster is silent.
func playSilence(t *testing.T, hub *hubtest.Server, d *harness.Daemon) silence {
	t.Helper()
	played := silence{heard: "prod-eu", silent: "prod-us", newest: time.Now().Truncate(time.Millisecond)}
	played.last = played.newest.Add(-20 * time.Minute)
	appendOf(t, hub, played.last.Add(-time.Second), 0, "PROD-EU", "PROD-US")
	appendOf(t, hub, played.last, 1, "PROD-US", "PROD-EU")
	awaitClusters(t, d, map[string]float64{played.heard: 2, played.silent: 2})
	for _, cluster := range clustersOn(t, d) {
		assert.False(t, cluster.Silent, cluster.Name)
	}
	appendOf(t, hub, played.newest, 2, "PROD-EU")
	awaitClusters(t, d, map[string]float64{played.heard: 3, played.silent: 2})
	return played
}

// awaitClusters waits until this many records of each cluster were read.
func awaitClusters(t *testing.T, d *harness.Daemon, records map[string]float64) {
	t.Helper()
	for cluster, want := range records {
		d.AwaitMetric(t, fmt.Sprintf(clusterRecords, cluster), want)
	}
}

// clusterOnPage is a cluster in /status.json.
type clusterOnPage struct {
	Name    string
	Records int
	Newest  time.Time
	Silent  bool
}

// clustersOn returns the clusters in /status.json.
func clustersOn(t *testing.T, d *harness.Daemon) []clusterOnPage {
	t.Helper()
	status, body := harness.Get(t.Context(), d.StatsURL+"/status.json")
	require.Equal(t, http.StatusOK, status)
	var answer struct{ Clusters []clusterOnPage }
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	return answer.Clusters
}

func TestAClusterThatFallsSilentIsToldWhileItsHubIsRead(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	d := harness.StartDaemon(t, harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir()}))
	played := playSilence(t, hub, d)
	inUTC := func(c clusterOnPage) clusterOnPage { c.Newest = c.Newest.UTC(); return c }
	assert.Equal(t, []clusterOnPage{
		inUTC(clusterOnPage{played.silent, 2, played.last, true}), inUTC(clusterOnPage{played.heard, 3, played.newest, false}),
	}, clustersOn(t, d))
	for cluster, at := range map[string]time.Time{played.silent: played.last, played.heard: played.newest} {
		assert.InDelta(t, float64(at.UnixMilli())/1000, d.Metric(t, fmt.Sprintf(clusterNewest, cluster)), 1e-3, cluster)
	}
	s.Await(t, 5)

	appendOf(t, hub, played.newest.Add(time.Second), 3, "PROD-US")
	awaitClusters(t, d, map[string]float64{played.silent: 3})
	for _, cluster := range clustersOn(t, d) {
		assert.False(t, cluster.Silent, "%s, after the diagnostic setting is there again", cluster.Name)
	}
	s.Await(t, 6)
	d.Stop(t)
}
