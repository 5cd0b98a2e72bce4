package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
	// ErrFailed says that at least one check failed. The report says which one.
	ErrFailed = errors.New("not all parts work")
	// ErrMisused says that the Options are wrong.
	ErrMisused = errors.New("misused")
	// errInterrupted says that the user interrupted the checks.
	errInterrupted = errors.New("interrupted")
	// errNotTried says why a check was not tried. That is not a failure.
	errNotTried = errors.New("not tried")
)

// Options choose what is tried, and how the report is printed.
type Options struct {
	// JSON is whether to print one JSON object in place of lines.
	JSON bool
	// Only has the names of the parts to try, separated by commas. All are tried if it is empty.
	Only string
	// Offline is whether to try only what needs no network.
	Offline bool
}

// try does a check. It returns its result in one line, or an error that says what to do.
type try func(context.Context, forwarder.Config) (string, error)

// check is one check.
type check struct {
	name string
	// needs is the check that has to succeed before this one makes sense, or "".
	needs string
	try   try
	// offline is the part of try that needs no network, or nil.
	offline try
}

// configuration is the name of the first check. Its result comes from the caller of Run.
const configuration = "configuration"

// checks returns the checks that follow the configuration. The clock comes first, because a wrong clock makes many
// other checks fail. found gets the lag of each partition.
func checks(found *[]partitionLag) []check {
	return []check{
		{"clock", "", checkClock, nil},
		{"event hub", "", checkHub, checkHubOffline},
		{"consumer group", "event hub", checkConsumerGroup, nil},
		{"events", "event hub", func(ctx context.Context, cfg forwarder.Config) (result string, err error) {
			*found, result, err = checkEvents(ctx, cfg)
			return result, err
		}, nil},
		{"checkpoints", "", checkCheckpoints, checkCheckpointsOffline},
		{"dead letters", "checkpoints", checkDeadLetters, checkDeadLettersOffline},
		{"sink", "", checkSink, checkSinkOffline},
	}
}

// chosen returns the checks whose names are in only, and whether the configuration is one of them.
func chosen(all []check, only string) (some []check, configured bool, err error) {
	if only == "" {
		return all, true, nil
	}
	for name := range strings.SplitSeq(only, ",") {
		name = strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(name, "-", " ")), " "))
		i := slices.IndexFunc(all, func(c check) bool { return c.name == name })
		switch {
		case name == configuration:
			configured = true
		case i < 0:
			names := []string{configuration}
			for _, c := range all {
				names = append(names, c.name)
			}
			return nil, false, fmt.Errorf("%w: there is no part %q to check: take %s", ErrMisused, name, strings.Join(names, ", "))
		default:
			c := all[i]
			c.needs = "" // the check reports itself what is missing
			some = append(some, c)
		}
	}
	return some, configured, nil
}

// checkSink asks the sink, and warns if an HTTP proxy is on the way.
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
	poster, err := newPoster(cfg)
	if err != nil {
		return "", err
	}
	return poster.Check(ctx)
}

// checkSinkOffline reads the files that the connection to the sink needs.
func checkSinkOffline(_ context.Context, cfg forwarder.Config) (string, error) {
	if _, err := newPoster(cfg); err != nil {
		return "", err
	}
	return "", errNeedsNetwork
}

func newPoster(cfg forwarder.Config) (*webhook.Poster, error) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	stats := metrics.NewStatistics(prometheus.NewRegistry(), forwarder.Version, time.Now)
	return webhook.New(cfg, stats, health.NewHealth(), log)
}

// Run runs the checks and prints a line for each: ✓ if it succeeded, ✗ with what to do if it failed, – if it was not
// tried. It may run beside a daemon: no other reader misses an event because of it, it takes no ownership, and it
// writes no checkpoint. If the configuration is invalid, configErr says why, and no other check is tried.
func Run(ctx context.Context, cfg forwarder.Config, configErr error, options Options, out io.Writer) error {
	r := newReport(out, checkTimeout, options)
	some, configured, err := chosen(checks(&r.lags), options.Only)
	if err != nil {
		return err
	}
	if configured || configErr != nil {
		r.configuration(cfg, configErr)
	}
	for _, c := range some {
		r.run(ctx, cfg, c)
	}
	r.end()
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
