//go:build bench && linux

package e2e

import (
	"fmt"
	"math"
	"time"

	"aks-audit-log-go/e2e/bench/control"
	"aks-audit-log-go/e2e/bench/figures"
)

// measure is the result of one run of a row. A value that the row does not measure is NaN.
type measure struct {
	seconds     float64 // how long it took
	millions    float64 // of audit events
	rate        float64 // audit events a second, from the first POST to the last
	cpu         float64 // seconds a million audit events, start included
	rss         float64 // highest MiB; of several processes, that of the largest one
	posts       float64 // a million
	batch       float64 // audit events in a POST, on average
	blobWrites  float64 // a million
	checkpoints float64 // blob writes that are checkpoints, a second
	p50, p99    float64 // ms from append to accepted
	longest     float64 // ms
	cores       float64 // of a core in use, in percent
	start       float64 // seconds
	stop        float64 // seconds from SIGTERM to the end of the process
	again       float64 // audit events that came again after a stop or a kill
	resident    float64 // MiB, after a while without work
	residentEnd float64 // MiB, at the end of a row without work
	writes      float64 // all writes to the storage, a minute
	lists       float64 // of blobs, a minute
	hubCPU      float64 // what the emulator used, seconds a million
	sinkCPU     float64 // what the sink used, seconds a million
}

// unmeasured returns a measure in which nothing is measured.
func unmeasured() measure {
	n := math.NaN()
	return measure{n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n}
}

// String returns the measured values on one line, for a run's log.
func (m measure) String() string {
	text := ""
	for _, c := range columns {
		if value := c.of(m); !math.IsNaN(value) {
			text += fmt.Sprintf("%s %s; ", c.name, figures.Short(value))
		}
	}
	return text
}

// column is a column of the tables.
type column struct {
	name string
	of   func(measure) float64
}

var (
	columnRate        = column{"audit events/s", func(m measure) float64 { return m.rate }}
	columnCPU         = column{"CPU s per million", func(m measure) float64 { return m.cpu }}
	columnRSS         = column{"peak RSS, MiB", func(m measure) float64 { return m.rss }}
	columnPosts       = column{"POSTs per million", func(m measure) float64 { return m.posts }}
	columnBatch       = column{"audit events a POST", func(m measure) float64 { return m.batch }}
	columnBlobWrites  = column{"blob writes per million", func(m measure) float64 { return m.blobWrites }}
	columnCheckpoints = column{"checkpoints written/s", func(m measure) float64 { return m.checkpoints }}
	columnP50         = column{"wait p50, ms", func(m measure) float64 { return m.p50 }}
	columnP99         = column{"wait p99, ms", func(m measure) float64 { return m.p99 }}
	columnLongest     = column{"longest wait, ms", func(m measure) float64 { return m.longest }}
	columnCores       = column{"CPU, % of a core", func(m measure) float64 { return m.cores }}
	columnStart       = column{"start to first POST, s", func(m measure) float64 { return m.start }}
	columnStop        = column{"signal to exit, s", func(m measure) float64 { return m.stop }}
	columnAgain       = column{"audit events sent again", func(m measure) float64 { return m.again }}
	columnResident    = column{"RSS after 12 s, MiB", func(m measure) float64 { return m.resident }}
	columnResidentEnd = column{"RSS at the end, MiB", func(m measure) float64 { return m.residentEnd }}
	columnWrites      = column{"blob writes a minute", func(m measure) float64 { return m.writes }}
	columnLists       = column{"lists a minute", func(m measure) float64 { return m.lists }}
	columnHub         = column{"emulator CPU s per million", func(m measure) float64 { return m.hubCPU }}
	columnSink        = column{"sink CPU s per million", func(m measure) float64 { return m.sinkCPU }}
	columnMillions    = column{"million audit events", func(m measure) float64 { return m.millions }}
	columnSeconds     = column{"seconds", func(m measure) float64 { return m.seconds }}
)

var columns = []column{
	columnRate, columnCPU, columnRSS, columnPosts, columnBatch, columnBlobWrites, columnCheckpoints, columnP50, columnP99,
	columnLongest, columnCores, columnStart, columnStop, columnAgain, columnResident, columnResidentEnd, columnWrites, columnLists, columnHub, columnSink, columnMillions, columnSeconds,
}

// throughput sets the values that follow from a sink's counts.
func (m *measure) throughput(counts control.Counts) {
	m.seconds = timeOf(counts.Last).Sub(timeOf(counts.First)).Seconds()
	m.millions = float64(counts.Events) / 1e6
	m.rate = float64(counts.Events) / m.seconds
}

// waits sets the percentiles of the times from append to acceptance.
func (m *measure) waits(waits []time.Duration) {
	ms := func(p float64) float64 { return figures.Percentile(waits, p).Seconds() * 1e3 }
	m.p50, m.p99, m.longest = ms(50), ms(99), ms(100)
}
