//go:build bench && linux

package e2e

import (
	"fmt"
	"math"
	"strings"

	"aks-audit-log-go/e2e/bench/figures"
)

// goal is a figure that the daemon must reach with its defaults.
type goal struct {
	what, wanted string
	got          float64
	unit         string
	met          bool
}

func least(what, wanted string, got, bound float64, unit string) goal {
	return goal{what, wanted, got, unit, got >= bound}
}

func most(what, wanted string, got, bound float64, unit string) goal {
	return goal{what, wanted, got, unit, got <= bound}
}

func (b *bench) goals() []goal {
	all := append(b.drainGoals(), b.shapeGoals()...)
	all = append(all, b.waitGoals()...)
	all = append(all, b.idleGoals()...)
	return append(all, b.endGoals()...)
}

func (b *bench) drainGoals() []goal {
	rate := b.of(rowDrain, columnRate)
	straight := max(b.of(rowStraight, columnRate), b.of(rowStraightBest, columnRate))
	falco := 100 * b.of(rowFalco, columnRate) / b.of(rowFalcoRaw, columnRate)
	share := func(c column) float64 { return 100 * b.of(rowMany, c) / b.of(rowPartitions, c) }
	return []goal{
		least("audit events/s to a counting sink", "≥ 250,000", rate, 250_000, ""),
		least("of the straight loop, of the better of its two rows", "≥ 90 %", 100*rate/straight, 90, " %"),
		most("CPU seconds a million audit events", "≤ 2.5", b.of(rowDrain, columnCPU), 2.5, ""),
		most("highest resident memory", "≤ 48 MiB", b.of(rowDrain, columnRSS), 48, " MiB"),
		least("of what Falco's plugin takes from a load generator", "≥ 95 %", falco, 95, " %"),
		least("audit events/s with 32 partitions, of those with 4", "≥ 90 %", share(columnRate), 90, " %"),
		most("CPU seconds with 32 partitions, of those with 4", "≤ 115 %", share(columnCPU), 115, " %"),
	}
}

func (b *bench) shapeGoals() []goal {
	goals := []goal{most("CPU seconds a million audit events, "+rowSingle, "≤ 6", b.of(rowSingle, columnCPU), 6, "")}
	for _, r := range b.section(sectionShapes) {
		goals = append(goals, most("highest resident memory, "+r.name, "≤ 64 MiB", r.median(columnRSS), 64, " MiB"))
	}
	return goals
}

func (b *bench) waitGoals() []goal {
	return []goal{
		most("checkpoints a second under load, 4 partitions, CHECKPOINTINTERVAL 5 s", "≤ 0.8", b.of(rowSteady, columnCheckpoints), 0.85, ""),
		most("append to accepted at 1,000/s, p50", "< 5 ms", b.of(rowSteady, columnP50), 5, " ms"),
		most("append to accepted at 1,000/s, p99", "< 25 ms", b.of(rowSteady, columnP99), 25, " ms"),
		most("append to accepted at 1,000/s, 1 audit event a hub event, p99", "< 5 ms", b.of(rowSteadySingle, columnP99), 5, " ms"),
		most("CPU seconds a million audit events at a limit of 400/s", "≤ 15", b.of(rowLimited, columnCPU), 15, ""),
	}
}

func (b *bench) idleGoals() []goal {
	resident := max(b.of(rowIdleMany, columnResident), b.of(rowIdleMany, columnResidentEnd))
	return []goal{
		most("checkpoints a second when idle", "0", b.of(rowIdle, columnCheckpoints), 0, ""),
		most("CPU when idle", "< 1 % of a core", b.of(rowIdle, columnCores), 1, " %"),
		most("blob writes a minute when idle, 4 partitions", "< 15", b.of(rowIdle, columnWrites), 15, ""),
		most("blob writes a minute when idle, 32 partitions", "< 100", b.of(rowIdleMany, columnWrites), 100, ""),
		most("resident memory when idle, 32 partitions, the higher of both", "< 24 MiB", resident, 24, " MiB"),
	}
}

func (b *bench) endGoals() []goal {
	var goals []goal
	for _, r := range b.section(sectionStart) {
		goals = append(goals, most("start to first POST, "+r.name, "< 0.1 s", r.median(columnStart), 0.1, " s"))
	}
	return append(goals,
		most("a stop at 1,000/s: signal to exit", "< 0.5 s", b.of(rowStop, columnStop), 0.5, " s"),
		most("a stop at 1,000/s: audit events sent again", "0", b.of(rowStop, columnAgain), 0, ""),
		most("a kill at 1,000/s: audit events sent again", "< 2,000", b.of(rowKill, columnAgain), 2000, ""),
	)
}

func (b *bench) goalTable() string {
	var text strings.Builder
	text.WriteString("| goal | wanted | measured | met |\n| --- | ---: | ---: | --- |\n")
	for _, g := range b.goals() {
		if math.IsNaN(g.got) {
			continue
		}
		met := "no"
		if g.met {
			met = "yes"
		}
		fmt.Fprintf(&text, "| %s | %s | %s%s | %s |\n", g.what, g.wanted, figures.Short(g.got), g.unit, met)
	}
	return text.String()
}
