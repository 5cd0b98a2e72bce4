//go:build bench && linux

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/bench/load"
	"aks-audit-log-go/e2e/harness"
)

// The benchmark is configured by environment variables:
//
//	BENCH          which sections to run, separated by commas; all of them by default
//	BENCHRUNS      how many runs of each row count, 5 by default
//	BENCHSECONDS   about how long a run that drains a backlog lasts, 6 by default
//	BENCHOUT       the folder to write to; docs by default, but only if all sections ran
//	BENCHSETTINGS  variables to set for the daemon, as in "EVENTHUBPREFETCH=32 POSTBATCHMAXEVENTS=100"
//	BENCHPROFILE   a folder for processor profiles of the daemon, one for each run
const (
	defaultRuns    = 5
	defaultSeconds = 6
	docsFolder     = harness.ProductDir + "/docs"
)

// leastBacklog is a row's first backlog, in hub events: 35,200 audit events.
const leastBacklog = 1600

// mostBacklog bounds a fast row's backlog, in hub events: 4.4 million audit events in usual ones.
const mostBacklog = 200_000

// bench is a run of the benchmark.
type bench struct {
	daemon, part, falco string // binaries
	extra               harness.Settings
	profiles            string
	runs                int
	seconds             float64
	rows                []*benchRow
	// loadBefore is the machine's load average before the benchmark. If it is above about 0.5, other processes were
	// busy, and affect the figures.
	loadBefore string
}

// benchRow is a row of a table.
type benchRow struct {
	section, name string
	// x is the row's position on the axis of a plot: partitions, replicas, or parts of a backlog.
	x float64
	// measure runs the row once. hubEvents is the backlog, if the row drains one.
	measure func(t *testing.T, b *bench, hubEvents int) measure
	// drains says that the row drains a backlog, which is chosen so that a run takes long enough.
	drains bool
	// usual, if not 0, is the backlog as a multiple of the usual one, which is that of the daemon with its defaults.
	// The rows of a section then drain the same backlog.
	usual     float64
	hubEvents int
	// perHubEvent is how many audit events a hub event of the backlog has. 0 means load.Records.
	perHubEvent int
	// short says that half of BENCHSECONDS is enough for a run.
	short bool
	// once says that one run is enough, because it takes minutes, and its counts differ little.
	once bool
	runs []measure
}

// TestPerformance measures all rows in turn: each run goes through all rows, so that other load on the machine affects
// all rows alike.
func TestPerformance(t *testing.T) {
	b := newBench(t)
	b.findBacklogs(t)
	for run := range b.runs {
		for _, row := range b.rows {
			if row.once && run > 0 {
				continue
			}
			t.Run(fmt.Sprintf("run %d of %s", run+1, row.name), func(t *testing.T) {
				m := row.measure(t, b, row.hubEvents)
				row.runs = append(row.runs, m)
				t.Log(m)
			})
		}
	}
	if t.Failed() {
		t.Fatal("nothing is written: a row failed")
	}
	b.write(t)
}

// findBacklogs finds the backlog for each row.
func (b *bench) findBacklogs(t *testing.T) {
	t.Helper()
	usual := &benchRow{name: "the daemon with its defaults", measure: drain(nil)}
	for _, r := range b.rows {
		switch {
		case r.usual != 0:
			if usual.hubEvents == 0 {
				t.Run("find the backlog of "+usual.name, func(t *testing.T) { b.findBacklog(t, usual) })
			}
			r.hubEvents = int(float64(usual.hubEvents) * r.usual)
		case r.drains:
			t.Run("find the backlog of "+r.name, func(t *testing.T) { b.findBacklog(t, r) })
		}
	}
}

// findBacklog runs a row once with the least backlog, without using the result. If that was drained too fast, it runs
// the row once more with a larger backlog.
func (b *bench) findBacklog(t *testing.T, r *benchRow) {
	each, seconds := load.Records, b.seconds
	if r.perHubEvent > 0 {
		each = r.perHubEvent
	}
	if r.short {
		seconds /= 2
	}
	least := leastBacklog * load.Records / each
	r.hubEvents = least
	for range 2 {
		m := r.measure(t, b, r.hubEvents)
		r.hubEvents = min(max(int(m.rate*seconds)/each, least), mostBacklog)
		if m.seconds > seconds/4 {
			break
		}
	}
	t.Logf("backlog: %d audit events", r.hubEvents*each)
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	before, err := os.ReadFile("/proc/loadavg")
	require.NoError(t, err)
	b := &bench{
		loadBefore: strings.Fields(string(before))[0],
		runs:       int(number(t, "BENCHRUNS", defaultRuns)),
		seconds:    number(t, "BENCHSECONDS", defaultSeconds),
		extra:      extraSettings(t),
		profiles:   os.Getenv("BENCHPROFILE"),
		part:       dir + "/part",
		falco:      dir + "/falco",
	}
	wanted := strings.FieldsFunc(os.Getenv("BENCH"), func(c rune) bool { return c == ',' || c == ' ' })
	for _, name := range wanted {
		require.Contains(t, sections, name, "BENCH names a section that does not exist")
	}
	for _, row := range allRows() {
		if len(wanted) == 0 || slices.Contains(wanted, row.section) {
			b.rows = append(b.rows, row)
		}
	}
	b.buildParts(t)
	return b
}

func (b *bench) buildParts(t *testing.T) {
	t.Helper()
	plain := append(os.Environ(), "CGO_ENABLED=0")
	require.NoError(t, harness.BuildIn(t.Context(), ".", plain, "-trimpath", "-o", b.part, "./bench/part"))
	require.NoError(t, harness.BuildIn(t.Context(), ".", os.Environ(), "-o", b.falco, "./bench/falco"))
	b.daemon = t.TempDir() + "/aks-audit-log-go"
	args := []string{"-trimpath", "-ldflags=-s", "-o", b.daemon}
	if b.profiles != "" {
		require.NoError(t, os.MkdirAll(b.profiles, 0o755))
		args = append(args, "-overlay", profileOverlay(t))
	}
	require.NoError(t, harness.BuildDaemon(t.Context(), plain, append(args, ".")...))
}

// whole reports whether everything ran, so that the documents may show it.
func (b *bench) whole() bool {
	return len(b.rows) == len(allRows()) && len(b.extra) == 0 && b.profiles == ""
}

// extraSettings reads BENCHSETTINGS.
func extraSettings(t *testing.T) harness.Settings {
	t.Helper()
	extra := harness.Settings{}
	for _, assignment := range strings.Fields(os.Getenv("BENCHSETTINGS")) {
		name, value, found := strings.Cut(assignment, "=")
		require.True(t, found, "BENCHSETTINGS: %s", assignment)
		extra[name] = value
	}
	return extra
}

func number(t *testing.T, variable string, otherwise float64) float64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	value, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err, variable)
	require.Positive(t, value, variable)
	return value
}

// timeOf returns a time that a part has recorded.
func timeOf(nanoseconds int64) time.Time { return time.Unix(0, nanoseconds) }
