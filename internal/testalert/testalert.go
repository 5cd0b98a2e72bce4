package testalert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/webhook"
	"aks-audit-log-go/webhook/advice"
)

// timeout bounds each step: the POST of the test event, the request that finds out why it was not accepted, and the
// wait for Falco's queue. It is the same as in check.
const timeout = 10 * time.Second

// Options choose what Run prints, and whether it posts the event.
type Options struct {
	// DryRun is whether to post nothing.
	DryRun bool
	// JSON is whether to print only the event, without an explanation.
	JSON bool
}

// Run posts a test event to the daemon's sink, and prints which alert Falco has to raise for it. It reads neither the
// hub nor the storage. If the sink does not accept the event, the error says what to do.
func Run(ctx context.Context, cfg forwarder.Config, options Options, out io.Writer) error {
	made := newEvent(time.Now())
	text, err := made.json()
	if err != nil {
		return err
	}
	says := report{sink: cfg.SinkAddress(), event: made}
	if options.DryRun {
		if options.JSON {
			return printEvent(out, text)
		}
		return says.write(out, says.notSent(text))
	}
	if says.mind, err = post(ctx, cfg, audit.Event{Partition: name, AuditID: made.AuditID, JSON: text}); err != nil {
		return err
	}
	if options.JSON {
		return printEvent(out, text)
	}
	return says.write(out, says.sent())
}

func printEvent(out io.Writer, text []byte) error {
	if _, err := fmt.Fprintf(out, "%s\n", text); err != nil {
		return fmt.Errorf("print the event: %w", err)
	}
	return nil
}

// post posts the event once, and waits until Falco has taken it out of its queue. It returns warnings, even if the
// sink has accepted the event.
func post(ctx context.Context, cfg forwarder.Config, event audit.Event) (mind []string, err error) {
	// The daemon retries forever. A user wants the answer now.
	cfg.PostMaxRetries, cfg.FailurePolicy = 0, forwarder.FailureDrop
	log := logrus.New()
	log.SetOutput(io.Discard) // the command reports failures itself
	stats := metrics.NewStatistics(prometheus.NewRegistry(), forwarder.Version, time.Now)
	poster, err := webhook.New(cfg, stats, health.NewHealth(), log)
	if err != nil {
		return nil, err
	}
	session := poster.OpenSession()
	defer session.Close()
	proxy := advice.Proxy(cfg)
	switch err := postOnce(ctx, poster, session, event); {
	case err != nil && proxy != "":
		return nil, fmt.Errorf("%w; mind: %s", err, proxy)
	case err != nil:
		return nil, err
	}
	if name := stats.Intermediary(); name != "" {
		mind = append(mind, advice.Intermediary(name, advice.Port(cfg.SinkURL)))
	}
	if proxy != "" {
		mind = append(mind, proxy)
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	switch err := session.Confirm(limited); {
	case err == nil:
		return mind, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		return append(mind, fmt.Sprintf("Falco has not processed its queue within %s, so the alert may come later: look whether Falco is overloaded",
			timeout)), nil
	default:
		return nil, fmt.Errorf("the sink took the test event, and may have lost it (%w): run test-alert again once it is up", err)
	}
}

// postOnce posts the event. If the sink does not accept it, postOnce asks the sink as check does, because the answer
// of check says what to do.
func postOnce(ctx context.Context, poster *webhook.Poster, session *webhook.Session, event audit.Event) error {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	outcome, err := session.Deliver(limited, []audit.Event{event})
	switch {
	case err == nil && outcome.Verdict == audit.Delivered:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil:
		err = errors.New(outcome.Reason)
	}
	asked, cancelAsked := context.WithTimeout(ctx, timeout)
	defer cancelAsked()
	if _, why := poster.Check(asked); why != nil {
		return why
	}
	return fmt.Errorf("%w: it takes an empty list of audit events, but not the test event: look at the sink's log, and at what is between it and here", err)
}
