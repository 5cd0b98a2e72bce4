package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
)

func TestTheDocumentationHasExactlyTheMetrics(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	stats := metrics.NewStatistics(reg, "v1", time.Now)
	health.NewHealth().Register(reg)
	stats.Partition("0").Owned()
	stats.Partition("0").Lag(1)
	stats.Partition("0").Done(time.Now())
	stats.ClusterRead("c", 1, time.Now())
	stats.SinkIntermediary("nginx")
	families, err := reg.Gather()
	require.NoError(t, err)
	text, err := os.ReadFile("docs/configuration.md")
	require.NoError(t, err)
	documented := documentedMetrics(t, string(text))
	var exported []string
	for _, family := range families {
		name := family.GetName()
		if !strings.Contains(name, "aks_audit_log_") {
			continue
		}
		exported = append(exported, name)
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				assert.Contains(t, documented[name], "`"+l.GetName()+"`", name)
				if l.GetName() == "verdict" || l.GetName() == "reason" || l.GetName() == "status_class" {
					assert.Contains(t, documented[name], "`"+l.GetValue()+"`", name)
				}
			}
		}
	}
	assert.Equal(t, exported, slices.Sorted(maps.Keys(documented)))
}

// documentedMetrics returns the entries of docs/configuration.md by metric: - `name` (`label`): text. An entry
// includes its lists.
func documentedMetrics(t *testing.T, docs string) map[string]string {
	t.Helper()
	entries := map[string]string{}
	entry := regexp.MustCompile("(?m)^- `([a-z_]*aks_audit_log_[a-z_]+)`(?: \\([^)]*\\))?:(?:.*\\n)(?:  .*\\n)*")
	for _, match := range entry.FindAllStringSubmatch(docs, -1) {
		assert.NotContains(t, entries, match[1], "a second entry")
		entries[match[1]] = match[0]
	}
	return entries
}
