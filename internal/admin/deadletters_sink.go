package admin

import (
	"context"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/writer"

	"aks-audit-log-go/eventhub/storage"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/webhook"
)

// ReplayDeadLetters posts the dead letters to the daemon's sink, with the same retries, and deletes those that the
// sink accepted. If the retries are used up, it ends with an error, whatever POSTFAILUREPOLICY says, and the letters
// stay.
func ReplayDeadLetters(ctx context.Context, cfg forwarder.Config, options ReplayOptions, out io.Writer, log *logrus.Logger) error {
	records, err := storage.OpenRecords(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = records.Close() }()
	cfg.FailurePolicy = forwarder.FailureDrop
	options.MaxEventSize = cfg.SinkMaxEventSize
	stats := metrics.NewStatistics(prometheus.NewRegistry(), forwarder.Version, time.Now)
	poster, err := webhook.New(cfg, stats, health.NewHealth(), withoutErrors(log))
	if err != nil {
		return err
	}
	sink := &letterSink{poster: poster, session: poster.OpenSession()}
	defer sink.session.Close()
	return replayAll(ctx, records, sink, options, out)
}

// letterSink posts dead letters in the same way as the daemon posts audit events.
type letterSink struct {
	poster  *webhook.Poster
	session *webhook.Session
}

var _ ReplaySink = (*letterSink)(nil)

// Post implements ReplaySink.
func (s *letterSink) Post(ctx context.Context, event audit.Event) (audit.Outcome, error) {
	outcome, err := s.session.Deliver(ctx, []audit.Event{event})
	if err != nil {
		return audit.Outcome{}, err
	}
	if outcome.Verdict == audit.DeadLettered {
		// After many refusals in a row a poster takes the endpoint for wrong. But dead letters have been refused
		// before, so refusals are expected here, and say nothing about the endpoint.
		s.poster.ForgetRefusals()
	}
	return outcome, nil
}

// Confirm implements ReplaySink.
func (s *letterSink) Confirm(ctx context.Context) error { return s.session.Confirm(ctx) }

// withoutErrors returns log without its errors. The poster's errors say that events are dropped, but here the letter
// stays, and the command itself reports what went wrong.
func withoutErrors(log *logrus.Logger) *logrus.Logger {
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	quiet.SetFormatter(log.Formatter)
	quiet.SetLevel(log.GetLevel())
	quiet.AddHook(&writer.Hook{Writer: log.Out, LogLevels: []logrus.Level{
		logrus.WarnLevel, logrus.InfoLevel, logrus.DebugLevel, logrus.TraceLevel,
	}})
	return quiet
}
