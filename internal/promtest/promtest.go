package promtest

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Clock is a clock that a test sets.
type Clock struct{ Time time.Time }

// Now returns Time.
func (c *Clock) Now() time.Time { return c.Time }

// Sample returns the value of a series, and whether there is one. series is written as Prometheus writes it. The value
// of a histogram is its count.
func Sample(t *testing.T, reg *prometheus.Registry, series string) (float64, bool) {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+`="`+l.GetValue()+`"`)
			}
			name := family.GetName()
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			if name == series {
				return m.GetCounter().GetValue() + m.GetUntyped().GetValue() + m.GetGauge().GetValue() +
					float64(m.GetHistogram().GetSampleCount()), true
			}
		}
	}
	return 0, false
}

// AssertSample asserts that a series has this value.
func AssertSample(t *testing.T, reg *prometheus.Registry, want float64, series string) {
	t.Helper()
	got, ok := Sample(t, reg, series)
	if assert.True(t, ok, "%s is missing", series) {
		assert.InDelta(t, want, got, 1e-9, series)
	}
}

// AssertNoSample asserts that a series does not exist.
func AssertNoSample(t *testing.T, reg *prometheus.Registry, series string) {
	t.Helper()
	_, ok := Sample(t, reg, series)
	assert.False(t, ok, "%s exists", series)
}
