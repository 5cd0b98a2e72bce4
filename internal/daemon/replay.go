package daemon

import (
	"context"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/writer"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/webhook"
)

// ReplayDeadLetters posts the dead letters to the sink that the daemon posts to, with the same
// retries, and deletes those that it accepted. Where the retries are used up it ends with an error,
// whatever POSTFAILUREPOLICY says; the letters stay.
func ReplayDeadLetters(ctx context.Context, cfg forwarder.Config, options eventhub.ReplayOptions, out io.Writer, log *logrus.Logger) error {
	records, err := eventhub.OpenRecords(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = records.Close() }()
	cfg.FailurePolicy = forwarder.FailureDrop
	options.MaxEventSize = cfg.SinkMaxEventSize
	sink := &letterSink{cfg: cfg, log: withoutErrors(log)}
	poster, err := sink.poster()
	if err != nil {
		return err
	}
	sink.lane = poster.Lane()
	defer sink.lane.Close()
	return eventhub.ReplayDeadLetters(ctx, records, sink, options, out)
}

// letterSink posts dead letters by the daemon's own poster.
type letterSink struct {
	cfg  forwarder.Config
	log  logrus.FieldLogger
	lane *webhook.Lane
}

var _ eventhub.ReplaySink = (*letterSink)(nil)

func (s *letterSink) poster() (*webhook.Poster, error) {
	stats := forwarder.NewStatistics(prometheus.NewRegistry(), forwarder.Version, time.Now)
	return webhook.New(s.cfg, stats, forwarder.NewHealth(), s.log, nil)
}

func (s *letterSink) Post(ctx context.Context, event forwarder.AuditEvent) (forwarder.Outcome, error) {
	outcome, err := s.lane.Deliver(ctx, []forwarder.AuditEvent{event})
	if err != nil {
		return forwarder.Outcome{}, err
	}
	if outcome.Verdict == forwarder.DeadLettered {
		// A poster takes many refusals in a row for the endpoint's fault. Here they are no
		// surprise, and what is refused stays: the lane goes on with a poster that knows of none.
		fresh, err := s.poster()
		if err != nil {
			return forwarder.Outcome{}, err
		}
		s.lane.Poster = fresh
	}
	return outcome, nil
}

func (s *letterSink) Settle(ctx context.Context) error { return s.lane.Settle(ctx) }

// withoutErrors is log without the errors: the poster's speak of events that are dropped, but here
// the letter stays, and the command says itself what went wrong.
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
