package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// knownCounters are the counters of a metric with one label whose values are known beforehand. All counters exist from
// the start, so that a rate is there before the first event. Counting needs no lock, because the map is never changed.
type knownCounters struct {
	vec *prometheus.CounterVec
	// fallback is the label value that unknown values count under. Unknown values are not counted if it is empty.
	fallback string
	byValue  map[string]prometheus.Counter
}

func newKnownCounters(name, help, label, fallback string, values []string) *knownCounters {
	c := &knownCounters{
		vec:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label}),
		fallback: fallback,
		byValue:  make(map[string]prometheus.Counter, len(values)),
	}
	for _, value := range values {
		c.byValue[value] = c.vec.WithLabelValues(value)
	}
	return c
}

// add counts n under the label value.
func (c *knownCounters) add(value string, n int) {
	counter, ok := c.byValue[value]
	if !ok {
		counter = c.byValue[c.fallback]
	}
	if counter != nil {
		counter.Add(float64(n))
	}
}

// newCounter returns a counter without labels.
func newCounter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}
