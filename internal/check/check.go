package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/webhook"
)

// checkTimeout bounds each part of a check.
const checkTimeout = 10 * time.Second

// ErrCheckFailed says that a part does not work. Which one has been printed.
var ErrCheckFailed = errors.New("not all parts work")

// errInterrupted says that somebody did not want to wait any longer.
var errInterrupted = errors.New("interrupted")

// check is one part: what it tries, and which part has to work before that makes sense, "" for none.
// It says in a line what it found; its error says what there is to do.
type check struct {
	name, needs string
	try         func(context.Context, forwarder.Config) (string, error)
}

const configuration = "configuration"

// checks are all parts behind the configuration. The clock comes first, since much else fails with it.
var checks = []check{
	{"clock", "", CheckClock},
	{"event hub", "", CheckHub},
	{"consumer group", "event hub", CheckConsumerGroup},
	{"checkpoints", "", CheckCheckpoints},
	{"dead letters", "checkpoints", CheckDeadLetters},
	{"sink", "", checkSink},
}

// checkSink uses the daemon's own poster.
func checkSink(ctx context.Context, cfg forwarder.Config) (string, error) {
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	stats := metrics.NewStatistics(prometheus.NewRegistry(), forwarder.Version, time.Now)
	poster, err := webhook.New(cfg, stats, health.NewHealth(), quiet)
	if err != nil {
		return "", err
	}
	return poster.Check(ctx)
}

// Check tries each part that the daemon needs and prints a line for each: ✓ where it works, ✗ with what
// there is to do, – where it was not tried. It receives nothing that a reader misses, takes no ownership and
// writes no checkpoint, so it may run beside a daemon. wrong is what is wrong with the configuration, of
// which nothing else can be tried then.
func Check(ctx context.Context, cfg forwarder.Config, wrong error, out io.Writer) error {
	report := checkReport{out: out, timeout: checkTimeout, failed: map[string]bool{}}
	report.configuration(cfg, wrong)
	for _, part := range checks {
		report.run(ctx, cfg, part)
	}
	switch {
	case report.problem != nil:
		return fmt.Errorf("write the report: %w", report.problem)
	case ctx.Err() != nil:
		return errInterrupted
	case len(report.failed) > 0:
		return ErrCheckFailed
	}
	return nil
}

// checkReport prints the parts and remembers which failed.
type checkReport struct {
	out     io.Writer
	timeout time.Duration // of each part
	failed  map[string]bool
	problem error
}

func (r *checkReport) configuration(cfg forwarder.Config, wrong error) {
	if wrong != nil {
		r.failed[configuration] = true
		r.line("✗", configuration, strings.TrimPrefix(wrong.Error(), configuration+": "))
		return
	}
	text := "complete"
	for _, warning := range cfg.Warnings {
		text += "\n  mind: " + warning
	}
	r.line("✓", configuration, text)
}

// run tries a part, unless it makes no sense any more.
func (r *checkReport) run(ctx context.Context, cfg forwarder.Config, part check) {
	for _, needed := range []string{configuration, part.needs} {
		if r.failed[needed] {
			r.failed[part.name] = true
			r.line("–", part.name, "not tried: mend the "+needed+" first")
			return
		}
	}
	if ctx.Err() != nil {
		r.line("–", part.name, "not tried: "+errInterrupted.Error())
		return
	}
	limited, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	switch found, err := part.try(limited, cfg); {
	case ctx.Err() != nil:
		r.line("–", part.name, errInterrupted.Error())
	case errors.Is(err, ErrNotTried):
		r.line("–", part.name, oneLine(err))
	case err != nil:
		r.failed[part.name] = true
		r.line("✗", part.name, oneLine(err))
	default:
		r.line("✓", part.name, found)
	}
}

// oneLine is an error without its line breaks, which those of the SDKs have.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func (r *checkReport) line(mark, name, text string) {
	if _, err := fmt.Fprintf(r.out, "%s %s: %s\n", mark, name, text); err != nil && r.problem == nil {
		r.problem = err
	}
}
