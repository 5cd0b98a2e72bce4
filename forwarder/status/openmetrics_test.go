package status

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/health"
)

// prometheus3 is the Accept header that Prometheus 3 sends by default, according to its documentation of content
// negotiation.
const prometheus3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5," +
	"application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3," +
	"text/plain;version=0.0.4;q=0.2,*/*;q=0.1"

// samples parses an answer of /metrics in either format, and returns the values of the daemon's own samples by name
// and labels. It compares the bounds of buckets as numbers, as Prometheus 3 does: OpenMetrics writes 1.0 for 1.
func samples(t *testing.T, text string) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") || !strings.Contains(line, "aks_audit_log_") {
			continue
		}
		end := strings.LastIndexByte(line, ' ')
		require.Positive(t, end, line)
		value, err := strconv.ParseFloat(line[end+1:], 64)
		require.NoError(t, err, line)
		series := line[:end]
		if before, bound, isBucket := strings.Cut(series, `le="`); isBucket {
			number, err := strconv.ParseFloat(strings.TrimSuffix(bound, `"}`), 64)
			require.NoError(t, err, line)
			series = before + strconv.FormatFloat(number, 'g', -1, 64)
		}
		assert.NotContains(t, found, series, "it is there twice")
		found[series] = value
	}
	return found
}

// Prometheus asks for OpenMetrics first, so a different name there would change every dashboard.
func TestOpenMetricsHasTheNamesAndValuesOfTheTextFormat(t *testing.T) {
	stats, reg, at := newStatistics(t)
	health := health.NewHealth()
	health.Register(reg)
	stats.EventsSent(7)
	stats.EventsSucceeded(5)
	stats.EventsFailed(3)
	stats.EventsRetried(2)
	stats.RecordsDone(audit.Delivered, 5)
	stats.RecordDeadLettered(audit.ReasonTooLarge)
	stats.PostFinished("2xx", time.Second)
	stats.ClusterRead("prod", 3, at.Time)
	stats.SinkIntermediary("nginx")
	stats.Partition("0").Owned()
	stats.Partition("0").Lag(1)
	stats.Partition("0").Done(at.Time)
	server := startServer(t, reg, health)

	plain, text := request(t, server, "GET", "/metrics")
	assert.Contains(t, plain.Header.Get("Content-Type"), "text/plain; version=0.0.4")
	open, openText := requestType(t, server, "GET", "/metrics", prometheus3)
	assert.Contains(t, open.Header.Get("Content-Type"), "application/openmetrics-text; version=1.0.0")
	assert.True(t, strings.HasSuffix(openText, "\n# EOF\n"), "OpenMetrics is whole")

	found := samples(t, text)
	assert.Greater(t, len(found), 80)
	assert.Equal(t, found, samples(t, openText))
	for name, value := range map[string]float64{"events": 7, "events_success": 5, "events_errors": 3, "events_retry": 2} {
		name = "falco_aks_audit_log_" + name
		assert.Contains(t, found, name)
		assert.InDelta(t, value, found[name], 0, name)
		assert.Contains(t, text, "# TYPE "+name+" untyped\n")
		assert.Contains(t, openText, "# TYPE "+name+" unknown\n")
	}
}
