package status

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/internal/promtest"
)

func newStatistics(t *testing.T) (*metrics.Statistics, *prometheus.Registry, *promtest.Clock) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	at := &promtest.Clock{Time: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	return metrics.NewStatistics(reg, "v1", at.Now), reg, at
}
