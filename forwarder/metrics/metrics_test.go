package metrics

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/promtest"
)

func newTestStatistics(t *testing.T) (*Statistics, *prometheus.Registry, *promtest.Clock) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	at := &promtest.Clock{Time: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	return NewStatistics(reg, "v1", at.Now), reg, at
}

func TestEachCallChangesItsOwnSeriesOnly(t *testing.T) {
	tests := map[string]struct {
		call func(*Statistics)
		want map[string]float64
	}{
		"EventsSent":      {func(s *Statistics) { s.EventsSent(3) }, map[string]float64{"falco_aks_audit_log_events": 3}},
		"EventsSucceeded": {func(s *Statistics) { s.EventsSucceeded(3) }, map[string]float64{"falco_aks_audit_log_events_success": 3}},
		"EventsFailed":    {func(s *Statistics) { s.EventsFailed(3) }, map[string]float64{"falco_aks_audit_log_events_errors": 3}},
		"EventsRetried":   {func(s *Statistics) { s.EventsRetried(3) }, map[string]float64{"falco_aks_audit_log_events_retry": 3}},
		"BalanceFailed":   {(*Statistics).BalanceFailed, map[string]float64{"aks_audit_log_balance_failures_total": 1}},
		"PostFinished": {
			func(s *Statistics) { s.PostFinished("5xx", time.Second) },
			map[string]float64{`aks_audit_log_post_duration_seconds{status_class="5xx"}`: 1},
		},
		"PostFinished with an unknown class": {
			func(s *Statistics) { s.PostFinished("418", time.Second) },
			map[string]float64{`aks_audit_log_post_duration_seconds{status_class="error"}`: 1},
		},
		"RecordsDone": {
			func(s *Statistics) { s.RecordsDone(audit.Delivered, 3); s.RecordsDone(audit.Dropped, 1) },
			map[string]float64{`aks_audit_log_records_total{verdict="delivered"}`: 3, `aks_audit_log_records_total{verdict="dropped"}`: 1},
		},
		"RecordSkipped": {
			func(s *Statistics) { s.RecordSkipped("guard") },
			map[string]float64{`aks_audit_log_skipped_records_total{category="guard"}`: 1, `aks_audit_log_records_total{verdict="skipped"}`: 1},
		},
		"RecordSkipped without a category": {
			func(s *Statistics) { s.RecordSkipped("") },
			map[string]float64{`aks_audit_log_skipped_records_total{category="none"}`: 1, `aks_audit_log_records_total{verdict="skipped"}`: 1},
		},
		"RecordSkipped with a category that AKS does not have": {
			func(s *Statistics) { s.RecordSkipped("SignInLogs") },
			map[string]float64{`aks_audit_log_skipped_records_total{category="other"}`: 1, `aks_audit_log_records_total{verdict="skipped"}`: 1},
		},
		"RecordDeadLettered": {
			func(s *Statistics) { s.RecordDeadLettered(audit.ReasonTooLarge) },
			map[string]float64{`aks_audit_log_dead_letters_total{reason="too_large"}`: 1, `aks_audit_log_records_total{verdict="dead_lettered"}`: 1},
		},
		"RecordDeadLettered for an unknown reason": {
			func(s *Statistics) { s.RecordDeadLettered("400 Bad Request: http://falco:9765/k8s-audit") },
			map[string]float64{`aks_audit_log_dead_letters_total{reason="other"}`: 1, `aks_audit_log_records_total{verdict="dead_lettered"}`: 1},
		},
		"EventRepaired": {(*Statistics).EventRepaired, map[string]float64{"aks_audit_log_salvaged_events_total": 1}},
		"EventTruncated": {
			func(s *Statistics) { s.EventTruncated(audit.ReasonTooDeep) },
			map[string]float64{`aks_audit_log_reduced_events_total{reason="too_deep"}`: 1, `aks_audit_log_dead_letters_total{reason="too_deep"}`: 1},
		},
		"Received": {
			func(s *Statistics) { s.Partition("7").Received(33339) },
			map[string]float64{`aks_audit_log_hub_events_total{partition="7"}`: 1, `aks_audit_log_hub_event_bytes_total{partition="7"}`: 33339},
		},
		"CheckpointWritten": {
			func(s *Statistics) { s.Partition("7").CheckpointWritten() }, map[string]float64{`aks_audit_log_checkpoint_writes_total{partition="7"}`: 1},
		},
		"CheckpointFailed": {
			func(s *Statistics) { s.Partition("7").CheckpointFailed() }, map[string]float64{`aks_audit_log_checkpoint_failures_total{partition="7"}`: 1},
		},
		"ReceiveFailed": {
			func(s *Statistics) { s.Partition("7").ReceiveFailed() }, map[string]float64{`aks_audit_log_receive_failures_total{partition="7"}`: 1},
		},
		"Missing": {
			func(s *Statistics) { s.Partition("7").Missing(3) }, map[string]float64{`aks_audit_log_missing_events_total{partition="7"}`: 3},
		},
		"Owned": {
			func(s *Statistics) { s.Partition("7").Owned() },
			map[string]float64{`aks_audit_log_partition_owned{partition="7"}`: 1, "aks_audit_log_partitions_owned": 1},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			stats, reg, _ := newTestStatistics(t)
			test.call(stats)
			for series, want := range test.want {
				promtest.AssertSample(t, reg, want, series)
			}
			assert.Equal(t, len(test.want), countAboveZero(t, reg), "series above 0")
		})
	}
}

// countAboveZero counts the daemon's series above 0, without aks_audit_log_build_info.
func countAboveZero(t *testing.T, reg *prometheus.Registry) int {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	count := 0
	for _, family := range families {
		if !strings.Contains(family.GetName(), "aks_audit_log_") || family.GetName() == "aks_audit_log_build_info" {
			continue
		}
		for _, m := range family.GetMetric() {
			if m.GetCounter().GetValue()+m.GetUntyped().GetValue()+m.GetGauge().GetValue()+float64(m.GetHistogram().GetSampleCount()) > 0 {
				count++
			}
		}
	}
	return count
}

func TestEveryLabelWithKnownValuesIsThereFromTheStart(t *testing.T) {
	_, reg, _ := newTestStatistics(t)
	for _, v := range audit.Verdicts() {
		promtest.AssertSample(t, reg, 0, `aks_audit_log_records_total{verdict="`+string(v)+`"}`)
	}
	for _, category := range []string{"kube-audit", "kube-apiserver", "guard", "none", "other"} {
		promtest.AssertSample(t, reg, 0, `aks_audit_log_skipped_records_total{category="`+category+`"}`)
	}
	for _, reason := range audit.DeadLetterReasons() {
		promtest.AssertSample(t, reg, 0, `aks_audit_log_dead_letters_total{reason="`+reason+`"}`)
	}
	for _, reason := range []string{"too_large", "too_deep"} {
		promtest.AssertSample(t, reg, 0, `aks_audit_log_reduced_events_total{reason="`+reason+`"}`)
	}
	promtest.AssertSample(t, reg, 0, "aks_audit_log_salvaged_events_total")
	for _, class := range statusClasses() {
		promtest.AssertSample(t, reg, 0, `aks_audit_log_post_duration_seconds{status_class="`+class+`"}`)
	}
	for _, name := range []string{"events", "events_errors", "events_success", "events_retry"} {
		promtest.AssertSample(t, reg, 0, "falco_aks_audit_log_"+name)
	}
	promtest.AssertSample(t, reg, 0, "aks_audit_log_partitions_owned")
	promtest.AssertSample(t, reg, 0, "aks_audit_log_balance_failures_total")
}

func TestTheBuildTheRuntimeAndTheProcessAreShown(t *testing.T) {
	_, reg, _ := newTestStatistics(t)
	_, revision, goVersion := forwarder.BuildInfo()
	promtest.AssertSample(t, reg, 1, `aks_audit_log_build_info{goversion="`+goVersion+`",revision="`+revision+`",version="v1"}`)
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		value, ok := promtest.Sample(t, reg, name)
		assert.True(t, ok, name)
		assert.Positive(t, value, name)
	}
}

func TestPostDurationsReachFromAMillisecondToAMinute(t *testing.T) {
	buckets := postBuckets()
	assert.InDelta(t, 0.001, buckets[0], 0)
	assert.InDelta(t, 60, buckets[len(buckets)-1], 0)
	assert.IsIncreasing(t, buckets)
}

// TestMetricNamesFollowPrometheusConventions leaves out the predecessors' counters. They are untyped, so promlint does
// not miss the _total in their names.
func TestMetricNamesFollowPrometheusConventions(t *testing.T) {
	stats, reg, at := newTestStatistics(t)
	stats.Partition("0").Owned()
	stats.Partition("0").Lag(1)
	stats.Partition("0").Done(at.Time)
	families, err := reg.Gather()
	require.NoError(t, err)
	var own []string
	for _, family := range families {
		assert.NotEmpty(t, family.GetHelp(), family.GetName())
		if strings.HasPrefix(family.GetName(), "aks_audit_log_") {
			own = append(own, family.GetName())
		}
	}
	require.GreaterOrEqual(t, len(own), 16)
	problems, err := testutil.GatherAndLint(reg, own...)
	require.NoError(t, err)
	assert.Empty(t, problems)

	require.NoError(t, reg.Register(newCounter("things_handled", "A counter whose name lacks _total.")))
	problems, err = testutil.GatherAndLint(reg, "things_handled")
	require.NoError(t, err)
	assert.NotEmpty(t, problems, "the linter works")
}

func TestStatisticsAreSafeForConcurrentUse(t *testing.T) {
	stats, reg, at := newTestStatistics(t)
	const callers, times = 8, 200
	var calls sync.WaitGroup
	for range callers {
		calls.Go(func() {
			for i := range times {
				partition := string(rune('a' + i%26))
				stats.Partition(partition).Owned()
				stats.Partition(partition).Received(10)
				stats.Partition(partition).Lag(int64(i))
				stats.Partition(partition).Done(at.Time)
				stats.RecordSkipped("guard")
				stats.EventsSent(1)
			}
		})
	}
	_, err := reg.Gather()
	require.NoError(t, err)
	calls.Wait()
	promtest.AssertSample(t, reg, callers*times, "falco_aks_audit_log_events")
	promtest.AssertSample(t, reg, callers*times, `aks_audit_log_skipped_records_total{category="guard"}`)
	promtest.AssertSample(t, reg, callers*8, `aks_audit_log_hub_events_total{partition="a"}`)
	promtest.AssertSample(t, reg, 26, "aks_audit_log_partitions_owned")
}

func BenchmarkStatisticsOfOneEvent(b *testing.B) {
	stats := NewStatistics(prometheus.NewRegistry(), "v1", time.Now)
	stats.Partition("3").Owned()
	at := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		stats.Partition("3").Received(1024)
		stats.EventsSent(1)
		stats.PostFinished("2xx", time.Millisecond)
		stats.EventsSucceeded(1)
		stats.RecordsDone(audit.Delivered, 1)
		stats.Partition("3").Done(at)
	}
}

func TestTheFirstIntermediaryStaysTheOnlyOne(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	stats := NewStatistics(reg, "test", time.Now)
	assert.Empty(t, stats.Intermediary())
	stats.SinkIntermediary("istio-envoy")
	stats.SinkIntermediary("nginx")
	assert.Equal(t, "istio-envoy", stats.Intermediary())
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP aks_audit_log_sink_intermediary_info 1 if the connection to the sink ends at a proxy, which the label names, and not at Falco.
# TYPE aks_audit_log_sink_intermediary_info gauge
aks_audit_log_sink_intermediary_info{name="istio-envoy"} 1
`), "aks_audit_log_sink_intermediary_info"))
}

func TestTheAgeOfAnAcceptedEventFallsIntoItsBucket(t *testing.T) {
	stats, reg, at := newTestStatistics(t)
	stats.EventAccepted(at.Time.Add(-90 * time.Second))
	stats.EventAccepted(at.Time.Add(time.Hour)) // its clock is ahead
	stats.EventAccepted(time.Time{})            // it tells no time
	stats.EventAccepted(at.Time.Add(-7 * time.Hour))
	families, err := reg.Gather()
	require.NoError(t, err)
	counts := map[float64]uint64{}
	for _, family := range families {
		if family.GetName() == "aks_audit_log_accepted_event_age_seconds" {
			histogram := family.GetMetric()[0].GetHistogram()
			assert.Equal(t, uint64(3), histogram.GetSampleCount())
			assert.InDelta(t, 90+7*3600, histogram.GetSampleSum(), 1e-9)
			for _, bucket := range histogram.GetBucket() {
				counts[bucket.GetUpperBound()] = bucket.GetCumulativeCount()
			}
		}
	}
	assert.Equal(t, uint64(1), counts[0.1], "the one from the future")
	assert.Equal(t, uint64(1), counts[60])
	assert.Equal(t, uint64(2), counts[120])
	assert.Equal(t, uint64(2), counts[21600], "6 h")
	assert.IsIncreasing(t, ageBuckets())
}
