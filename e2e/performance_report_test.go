//go:build bench && linux

package e2e

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/bench/figures"
	"aks-audit-log-go/e2e/bench/plot"
)

// median returns the median of the runs of a row in a column.
func (r *benchRow) median(c column) float64 { return figures.Median(r.values(c)) }

func (r *benchRow) values(c column) []float64 {
	var values []float64
	for _, m := range r.runs {
		values = append(values, c.of(m))
	}
	return values
}

// columnSpread is not a column of a single run.
const columnSpread = "spread"

// table returns the rows of a section as Markdown. The spread is that of the first column.
func (b *bench) table(section string, shown ...column) string {
	rows := b.section(section)
	if len(rows) == 0 {
		return ""
	}
	var text strings.Builder
	names, rules := []string{""}, []string{"---"}
	for _, c := range shown {
		names, rules = append(names, c.name), append(rules, "---:")
	}
	names, rules = append(names, columnSpread), append(rules, "---:")
	fmt.Fprintf(&text, "| %s |\n| %s |\n", strings.Join(names, " | "), strings.Join(rules, " | "))
	for _, r := range rows {
		cells := []string{r.name}
		for _, c := range shown {
			cells = append(cells, figures.Short(r.median(c)))
		}
		cells = append(cells, percent(figures.Spread(r.values(shown[0]))))
		fmt.Fprintf(&text, "| %s |\n", strings.Join(cells, " | "))
	}
	return text.String()
}

func percent(part float64) string {
	if math.IsNaN(part) {
		return figures.NotMeasured
	}
	return fmt.Sprintf("%.0f %%", 100*part)
}

func (b *bench) section(name string) []*benchRow {
	var rows []*benchRow
	for _, r := range b.rows {
		if r.section == name {
			rows = append(rows, r)
		}
	}
	return rows
}

// of returns the median of a row in a column, or NaN if the row did not run.
func (b *bench) of(name string, c column) float64 {
	for _, r := range b.rows {
		if r.name == name {
			return r.median(c)
		}
	}
	return math.NaN()
}

// report returns docs/performance.md.
func (b *bench) report(t *testing.T) string {
	t.Helper()
	template, err := os.ReadFile("bench/performance.md.tmpl")
	require.NoError(t, err)
	fill := []string{"{{machine}}", machine(t), "{{load}}", b.loadBefore, "{{runs}}", fmt.Sprint(b.runs), "{{goals}}", b.goalTable()}
	for section, table := range b.tables() {
		fill = append(fill, "{{"+section+"}}", table)
	}
	return strings.NewReplacer(fill...).Replace(string(template))
}

// tables returns the tables of the sections that ran.
func (b *bench) tables() map[string]string {
	throughput := []column{columnRate, columnCPU, columnRSS, columnPosts, columnBlobWrites, columnHub, columnSink}
	growth := []column{columnRate, columnCPU, columnRSS, columnPosts, columnBlobWrites}
	return map[string]string{
		sectionLimits:       b.table(sectionLimits, throughput...),
		sectionDrain:        b.table(sectionDrain, throughput...),
		sectionShapes:       b.table(sectionShapes, columnRate, columnCPU, columnRSS, columnPosts, columnBatch),
		sectionFalco:        b.table(sectionFalco, columnRate, columnCPU, columnRSS, columnSink),
		sectionPredecessors: b.table(sectionPredecessors, throughput...),
		sectionLatency:      b.table(sectionLatency, columnP50, columnP99, columnLongest, columnCores, columnCPU, columnRSS, columnBatch, columnCheckpoints),
		sectionIdle:         b.table(sectionIdle, columnCores, columnResident, columnResidentEnd, columnRSS, columnWrites, columnLists, columnCheckpoints),
		sectionStart:        b.table(sectionStart, columnStart),
		sectionEnds:         b.table(sectionEnds, columnAgain, columnStop),
		sectionSlow:         b.table(sectionSlow, columnRSS, columnRate, columnBatch),
		sectionLimited:      b.table(sectionLimited, columnCPU, columnRate, columnBatch, columnPosts),
		sectionEvents:       b.table(sectionEvents, append([]column{columnMillions, columnSeconds}, growth...)...),
		sectionPartitions:   b.table(sectionPartitions, growth...),
		sectionReplicas:     b.table(sectionReplicas, growth...),
	}
}

// machine describes the machine that ran the benchmark.
func machine(t *testing.T) string {
	t.Helper()
	info, err := os.ReadFile("/proc/cpuinfo")
	require.NoError(t, err)
	model := "unknown processor"
	for line := range strings.Lines(string(info)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	memory, err := os.ReadFile("/proc/meminfo")
	require.NoError(t, err)
	var kilobytes int
	_, err = fmt.Sscanf(string(memory), "MemTotal: %d kB", &kilobytes)
	require.NoError(t, err)
	return fmt.Sprintf("%s, %d cores, %.0f GiB of memory, %s on %s/%s", model, runtime.NumCPU(), math.Round(float64(kilobytes)/(1<<20)),
		runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// plots returns the pictures by the names of their files.
func (b *bench) plots() map[string][]byte {
	pictures := map[string][]byte{"throughput.svg": b.bars("Audit events per second", columnRate), "cpu.svg": b.bars("CPU seconds per million audit events", columnCPU)}
	events := b.curve(sectionEvents, columnMillions, func(r *benchRow) float64 { return r.median(columnCPU) * r.median(columnMillions) })
	pictures["events.svg"] = plot.Lines(plot.Axes{Title: "Cost by audit events", X: "million audit events", Y: "CPU seconds", From0: true},
		[]plot.Series{{Name: "this daemon", Points: events}})
	for section, axis := range map[string]string{sectionPartitions: "partitions", sectionReplicas: "replicas"} {
		axes := plot.Axes{Title: "Cost by " + axis, X: axis, Y: "CPU seconds per million audit events", LogX: section == sectionPartitions}
		pictures[section+".svg"] = plot.Lines(axes, []plot.Series{{Name: "this daemon", Points: b.points(section, columnCPU)}})
		axes.Title, axes.Y = "Throughput by "+axis, "audit events per second"
		pictures[section+"-rate.svg"] = plot.Lines(axes, []plot.Series{{Name: "this daemon", Points: b.points(section, columnRate)}})
	}
	return pictures
}

// bars compares the rows that drain the usual backlog.
func (b *bench) bars(title string, c column) []byte {
	var bars []plot.Bar
	for _, section := range []string{sectionLimits, sectionDrain, sectionPredecessors, sectionFalco} {
		for _, r := range b.section(section) {
			bars = append(bars, plot.Bar{Name: r.name, Value: r.median(c), Label: figures.Short(r.median(c))})
		}
	}
	return plot.Bars(title, bars)
}

func (b *bench) points(section string, y column) []plot.Point {
	var points []plot.Point
	for _, r := range b.section(section) {
		points = append(points, plot.Point{X: r.x, Y: r.median(y)})
	}
	return points
}

func (b *bench) curve(section string, x column, y func(*benchRow) float64) []plot.Point {
	var points []plot.Point
	for _, r := range b.section(section) {
		points = append(points, plot.Point{X: r.median(x), Y: y(r)})
	}
	return points
}

// show logs the results.
func (b *bench) show(t *testing.T) {
	t.Helper()
	tables := b.tables()
	for _, section := range sections {
		if table := tables[section]; table != "" {
			t.Logf("%s\n%s", section, table)
		}
	}
	t.Logf("goals\n%s", b.goalTable())
	if len(b.extra) > 0 {
		t.Logf("the daemon's settings beside its defaults: %v", b.extra)
	}
}

// write writes the report and its pictures into the documents. If not all rows ran, it writes only into BENCHOUT.
func (b *bench) write(t *testing.T) {
	t.Helper()
	b.show(t)
	out := os.Getenv("BENCHOUT")
	switch {
	case out != "":
	case b.whole():
		out = docsFolder
	default:
		t.Log("nothing is written: not all was run, or not the daemon as it is; set BENCHOUT to a folder to have it written there")
		return
	}
	pictures := filepath.Join(out, "performance")
	require.NoError(t, os.MkdirAll(pictures, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(out, "performance.md"), []byte(b.report(t)), 0o644))
	for name, picture := range b.plots() {
		require.NoError(t, os.WriteFile(filepath.Join(pictures, name), picture, 0o644))
	}
}
