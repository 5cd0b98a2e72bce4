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
	"aks-audit-log-go/webhook/advice"
)

// checkTimeout bounds each check.
const checkTimeout = 10 * time.Second

var (
	// ErrFailed says that a check failed. The report says which one.
	ErrFailed = errors.New("not all parts work")
	// errInterrupted says that the user did not want to wait any longer.
	errInterrupted = errors.New("interrupted")
	// errNotTried says why something could not be tried, which is not a failure.
	errNotTried = errors.New("not tried")
)

// check is one check.
type check struct {
	name string
	// needs is the check that has to succeed before this one makes sense, or "".
	needs string
	// try returns in one line what it found. Its error says what to do.
	try func(context.Context, forwarder.Config) (string, error)
}

// configuration is the name of the first check. Its result comes from the caller of Run.
const configuration = "configuration"

// checks are the checks after the configuration. The clock comes first, because much else fails with it.
var checks = []check{
	{"clock", "", checkClock},
	{"event hub", "", checkHub},
	{"consumer group", "event hub", checkConsumerGroup},
	{"checkpoints", "", checkCheckpoints},
	{"dead letters", "checkpoints", checkDeadLetters},
	{"sink", "", checkSink},
}

// checkSink asks the sink, and mentions an HTTP proxy on the way.
func checkSink(ctx context.Context, cfg forwarder.Config) (string, error) {
	result, err := askSink(ctx, cfg)
	switch warning := advice.Proxy(cfg); {
	case warning == "":
		return result, err
	case err != nil:
		return "", fmt.Errorf("%w; mind: %s", err, warning)
	default:
		return result + "; mind: " + warning, nil
	}
}

// askSink asks the sink with the daemon's own poster.
func askSink(ctx context.Context, cfg forwarder.Config) (string, error) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	stats := metrics.NewStatistics(prometheus.NewRegistry(), forwarder.Version, time.Now)
	poster, err := webhook.New(cfg, stats, health.NewHealth(), log)
	if err != nil {
		return "", err
	}
	return poster.Check(ctx)
}

// Run runs all checks and prints a line for each: ✓ if it succeeded, ✗ with what to do if it failed, – if it was not
// tried. It receives no event that a reader then misses, takes no ownership and writes no checkpoint, so it may run
// beside a daemon. If the configuration is invalid, configErr says why, and nothing else is tried.
func Run(ctx context.Context, cfg forwarder.Config, configErr error, out io.Writer) error {
	r := report{out: out, timeout: checkTimeout, failed: map[string]bool{}}
	r.configuration(cfg, configErr)
	for _, c := range checks {
		r.run(ctx, cfg, c)
	}
	switch {
	case r.writeErr != nil:
		return fmt.Errorf("write the report: %w", r.writeErr)
	case ctx.Err() != nil:
		return errInterrupted
	case len(r.failed) > 0:
		return ErrFailed
	}
	return nil
}

// report prints the results and remembers which checks failed.
type report struct {
	out io.Writer
	// timeout bounds each check.
	timeout time.Duration
	// failed are the names of the checks that failed or were not tried because of a failure.
	failed map[string]bool
	// writeErr is the first error of out.
	writeErr error
}

// configuration prints the result of the first check.
func (r *report) configuration(cfg forwarder.Config, configErr error) {
	if configErr != nil {
		r.failed[configuration] = true
		r.line("✗", configuration, strings.TrimPrefix(configErr.Error(), configuration+": "))
		return
	}
	text := "complete"
	for _, warning := range cfg.Warnings {
		text += "\n  mind: " + warning
	}
	r.line("✓", configuration, text)
}

// run runs a check and prints its result, unless a check that it needs failed or ctx is done.
func (r *report) run(ctx context.Context, cfg forwarder.Config, c check) {
	for _, needed := range []string{configuration, c.needs} {
		if r.failed[needed] {
			r.failed[c.name] = true
			r.line("–", c.name, "not tried: mend the "+needed+" first")
			return
		}
	}
	if ctx.Err() != nil {
		r.line("–", c.name, "not tried: "+errInterrupted.Error())
		return
	}
	limited, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	switch result, err := c.try(limited, cfg); {
	case ctx.Err() != nil:
		r.line("–", c.name, errInterrupted.Error())
	case errors.Is(err, errNotTried):
		r.line("–", c.name, oneLine(err))
	case err != nil:
		r.failed[c.name] = true
		r.line("✗", c.name, oneLine(err))
	default:
		r.line("✓", c.name, result)
	}
}

// line prints one result.
func (r *report) line(mark, name, text string) {
	if _, err := fmt.Fprintf(r.out, "%s %s: %s\n", mark, name, text); err != nil && r.writeErr == nil {
		r.writeErr = err
	}
}

// oneLine returns the text of an error without line breaks, which the SDKs' errors have.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
