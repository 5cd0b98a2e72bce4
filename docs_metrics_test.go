package main

import (
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
	labels := make(map[string]bool)
	var exported []string
	for _, family := range families {
		if !strings.Contains(family.GetName(), "aks_audit_log_") {
			continue
		}
		exported = append(exported, family.GetName())
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = true
				if l.GetName() == "verdict" || l.GetName() == "reason" || l.GetName() == "status_class" {
					labels[l.GetValue()] = true
				}
			}
		}
	}
	text, err := os.ReadFile("docs/configuration.md")
	require.NoError(t, err)
	docs := string(text)
	var documented []string
	for _, match := range regexp.MustCompile("(?m)^\\| `([a-z_]*aks_audit_log_[a-z_]+)` \\|").FindAllStringSubmatch(docs, -1) {
		documented = append(documented, match[1])
	}
	slices.Sort(documented)
	assert.Equal(t, exported, documented)
	for label := range labels {
		assert.Contains(t, docs, "`"+label+"`")
	}
}
