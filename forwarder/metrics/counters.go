package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// cachedCounters are counters by one label with few, known values. All of them exist from the
// start, so that a rate is there before the first event, and are found without a lock.
type cachedCounters struct {
	vec   *prometheus.CounterVec
	known map[string]prometheus.Counter
}

func newCachedCounters(name, help, label string, values []string) *cachedCounters {
	c := &cachedCounters{
		vec:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label}),
		known: make(map[string]prometheus.Counter, len(values)),
	}
	for _, value := range values {
		c.known[value] = c.vec.WithLabelValues(value)
	}
	return c
}

// inc counts one.
func (c *cachedCounters) inc(value, fallback string) { c.add(value, fallback, 1) }

// add counts n under value, or under fallback where value is not known.
func (c *cachedCounters) add(value, fallback string, n int) {
	counter, ok := c.known[value]
	if !ok {
		counter = c.known[fallback]
	}
	if counter != nil {
		counter.Add(float64(n))
	}
}
