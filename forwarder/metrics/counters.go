package metrics

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// knownCounters are the counters of a metric with one label whose values are known beforehand. All counters exist from
// the start, so that a rate exists before the first event. Counting needs no lock, because the map never changes.
type knownCounters struct {
	vec *prometheus.CounterVec
	// fallback is the label value for unknown values. If it is empty, they are not counted.
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

func newCounter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

// predecessorCounter is a counter with a name of the predecessors, which lacks _total. It is exposed as untyped,
// because OpenMetrics appends _total to every counter without it, and dashboards depend on the name.
type predecessorCounter struct {
	desc  *prometheus.Desc
	count atomic.Int64
}

func newPredecessorCounter(name, help string) *predecessorCounter {
	return &predecessorCounter{desc: prometheus.NewDesc(name, help, nil, nil)}
}

func (c *predecessorCounter) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

func (c *predecessorCounter) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(c.desc, prometheus.UntypedValue, float64(c.count.Load()))
}

func (c *predecessorCounter) add(n int) { c.count.Add(int64(n)) }
