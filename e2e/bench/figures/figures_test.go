package figures

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTheMedianIsTheMiddle(t *testing.T) {
	for name, test := range map[string]struct {
		values []float64
		want   float64
	}{
		"of one":                         {[]float64{4}, 4},
		"of three, unsorted":             {[]float64{9, 1, 5}, 5},
		"of four":                        {[]float64{4, 1, 3, 100}, 3.5},
		"without what was not measured":  {[]float64{math.NaN(), 7, math.NaN()}, 7},
		"untouched by one that is wild":  {[]float64{10, 11, 1e9}, 11},
		"of an even number without gaps": {[]float64{1, math.NaN(), 3}, 2},
	} {
		t.Run(name, func(t *testing.T) { assert.InDelta(t, test.want, Median(test.values), 1e-9) })
	}
	assert.True(t, math.IsNaN(Median(nil)))
}

func TestTheMedianLeavesTheRunsInTheirOrder(t *testing.T) {
	runs := []float64{3, 1, 2}
	Median(runs)
	assert.Equal(t, []float64{3, 1, 2}, runs)
}

func TestTheSpreadIsAPartOfTheMedian(t *testing.T) {
	assert.InDelta(t, 0.2, Spread([]float64{110, 100, 90}), 1e-9)
	assert.Zero(t, Spread([]float64{5, 5}))
	assert.True(t, math.IsNaN(Spread([]float64{5})))
}

func TestAPercentileIsOneOfTheWaits(t *testing.T) {
	var waits []time.Duration
	for ms := 100; ms >= 1; ms-- {
		waits = append(waits, time.Duration(ms)*time.Millisecond)
	}
	for p, want := range map[float64]time.Duration{
		0.1: time.Millisecond, 50: 50 * time.Millisecond, 99: 99 * time.Millisecond,
		99.5: 100 * time.Millisecond, 100: 100 * time.Millisecond,
	} {
		assert.Equal(t, want, Percentile(waits, p), "p%v", p)
	}
	assert.Equal(t, time.Second, Percentile([]time.Duration{time.Second}, 1))
	assert.Zero(t, Percentile(nil, 50))
}

func TestFiguresPerMillion(t *testing.T) {
	assert.InDelta(t, 45_454.5, PerMillion(1600, 35_200), 0.1)
	assert.True(t, math.IsNaN(PerMillion(1, 0)))
}

func TestAFigureIsWrittenShort(t *testing.T) {
	for want, value := range map[string]float64{
		"0": 0, "0.12": 0.1234, "5.50": 5.5, "12.3": 12.34, "123": 123.4, "4,660": 4660.4,
		"245,100": 245_123.9, "1,000,000": 1_000_000, "-1,234": -1234, "–": math.NaN(),
	} {
		assert.Equal(t, want, Short(value))
	}
}
