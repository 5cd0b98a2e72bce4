package metrics

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/promtest"
)

func TestAClusterHasItsRecordsAndTheTimeOfItsNewest(t *testing.T) {
	stats, reg, at := newTestStatistics(t)
	promtest.AssertNoSample(t, reg, `aks_audit_log_cluster_records_total{cluster="prod"}`)
	stats.ClusterRead("prod", 3, at.Time.Add(1500*time.Millisecond))
	stats.ClusterRead("test", 1, time.Time{})
	stats.ClusterRead("prod", 2, at.Time)
	stats.ClusterRead("", 7, at.Time)
	promtest.AssertSample(t, reg, 5, `aks_audit_log_cluster_records_total{cluster="prod"}`)
	promtest.AssertSample(t, reg, float64(at.Time.Unix())+1.5, `aks_audit_log_cluster_newest_timestamp_seconds{cluster="prod"}`)
	promtest.AssertSample(t, reg, 1, `aks_audit_log_cluster_records_total{cluster="test"}`)
	promtest.AssertNoSample(t, reg, `aks_audit_log_cluster_newest_timestamp_seconds{cluster="test"}`)
	promtest.AssertNoSample(t, reg, `aks_audit_log_cluster_records_total{cluster=""}`)
	all := stats.Clusters()
	require.Len(t, all, 2)
	assert.Equal(t, int64(5), all["prod"].Records)
	assert.True(t, all["prod"].Newest.Equal(at.Time.Add(1500*time.Millisecond)))
	assert.True(t, all["test"].Newest.IsZero())
}

func TestFiveHundredClustersHaveSeriesAndTheRestShareOne(t *testing.T) {
	stats, reg, at := newTestStatistics(t)
	for range 2 {
		for i := range 600 {
			stats.ClusterRead(fmt.Sprint("c", i), 1, at.Time)
		}
	}
	promtest.AssertSample(t, reg, 2, `aks_audit_log_cluster_records_total{cluster="c0"}`)
	promtest.AssertSample(t, reg, 2, `aks_audit_log_cluster_records_total{cluster="c499"}`)
	promtest.AssertNoSample(t, reg, `aks_audit_log_cluster_records_total{cluster="c500"}`)
	promtest.AssertSample(t, reg, 200, `aks_audit_log_cluster_records_total{cluster="other"}`)
	assert.Len(t, stats.Clusters(), 501)
}

// An invented name must neither break a scrape nor fill the memory of a Prometheus.
func TestANameThatIsNoLabelCountsAsOther(t *testing.T) {
	stats, reg, at := newTestStatistics(t)
	stats.ClusterRead(strings.Repeat("x", 261), 1, at.Time)
	stats.ClusterRead("\xff", 2, at.Time)
	stats.ClusterRead(strings.Repeat("x", 260), 4, at.Time)
	promtest.AssertSample(t, reg, 3, `aks_audit_log_cluster_records_total{cluster="other"}`)
	assert.Len(t, stats.Clusters(), 2)
}

func TestClustersMayBeCountedAtOnce(t *testing.T) {
	stats, reg, at := newTestStatistics(t)
	const callers, names = 8, 600
	var calls sync.WaitGroup
	for caller := range callers {
		calls.Go(func() {
			for i := range names {
				stats.ClusterRead(fmt.Sprint("c", (i+caller*97)%names), 1, at.Time.Add(time.Duration(i)*time.Second))
			}
		})
	}
	_, err := reg.Gather()
	require.NoError(t, err)
	calls.Wait()
	all, records := stats.Clusters(), int64(0)
	for _, cluster := range all {
		records += cluster.Records
	}
	assert.Equal(t, int64(callers*names), records)
	assert.Len(t, all, 501)
}

func TestAKnownClusterIsCountedWithoutAllocation(t *testing.T) {
	stats, _, at := newTestStatistics(t)
	assert.Zero(t, testing.AllocsPerRun(100, func() { stats.ClusterRead("prod", 22, at.Time) }))
}
