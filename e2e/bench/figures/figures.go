// Package figures is the benchmark's arithmetic: medians of runs, percentiles of waits, and how a
// figure is written so that a reader is not told more digits than were measured.
package figures

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Median is the middle of values, the mean of the two middle ones where their number is even. Those
// that were not measured (NaN) are left out; of none at all it is NaN.
func Median(values []float64) float64 {
	sorted := measured(values)
	n := len(sorted)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return sorted[n/2]
	default:
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
}

// Spread is how far the lowest and the highest of values lie apart, as a part of their median. Of
// fewer than two it is NaN.
func Spread(values []float64) float64 {
	sorted := measured(values)
	median := Median(sorted)
	if len(sorted) < 2 || median == 0 {
		return math.NaN()
	}
	return (sorted[len(sorted)-1] - sorted[0]) / median
}

func measured(values []float64) []float64 {
	sorted := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	slices.Sort(sorted)
	return sorted
}

// Percentile is the smallest of waits that p percent of them do not exceed (nearest rank), 0 < p <=
// 100. Of no waits it is 0. It sorts waits.
func Percentile(waits []time.Duration, p float64) time.Duration {
	if len(waits) == 0 {
		return 0
	}
	slices.Sort(waits)
	rank := int(math.Ceil(p / 100 * float64(len(waits))))
	return waits[min(max(rank, 1), len(waits))-1]
}

// PerMillion is what count of something makes for a million of total.
func PerMillion(count, total float64) float64 {
	if total == 0 {
		return math.NaN()
	}
	return count / total * 1e6
}

// NotMeasured is what stands where there is no figure.
const NotMeasured = "–"

// Short writes a figure with three significant digits, four from 1000 on, and commas between
// thousands; NaN is NotMeasured.
func Short(value float64) string {
	switch size := math.Abs(value); {
	case math.IsNaN(value):
		return NotMeasured
	case value == 0:
		return "0"
	case size >= 1000:
		digits := math.Pow10(int(math.Floor(math.Log10(size))) - 3)
		return commas(strconv.FormatFloat(math.Round(value/digits)*digits, 'f', 0, 64))
	case size >= 100:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(value, 'f', 1, 64)
	default:
		return strconv.FormatFloat(value, 'f', 2, 64)
	}
}

// commas groups the digits of a whole number by three.
func commas(number string) string {
	sign := ""
	if strings.HasPrefix(number, "-") {
		sign, number = "-", number[1:]
	}
	var groups []string
	for len(number) > 3 {
		groups = append([]string{number[len(number)-3:]}, groups...)
		number = number[:len(number)-3]
	}
	return sign + strings.Join(append([]string{number}, groups...), ",")
}
