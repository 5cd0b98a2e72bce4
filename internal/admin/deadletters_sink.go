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

// ReplayDeadLetters posts the dead letters to the sink that the daemon posts to, with the same
// retries, and deletes those that it accepted. Where the retries are used up it ends with an error,
// whatever POSTFAILUREPOLICY says; the letters stay.
func ReplayDeadLetters(ctx context.Context, cfg forwarder.Config, options ReplayOptions, out io.Writer, log *logrus.Logger) error {
	records, err := storage.OpenRecords(cfg)
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
	sink.lane = poster.OpenSession()
	defer sink.lane.Close()
	return replayAll(ctx, records, sink, options, out)
}

// letterSink posts dead letters by the daemon's own poster.
type letterSink struct {
	cfg  forwarder.Config
	log  logrus.FieldLogger
	lane *webhook.Session
}

var _ ReplaySink = (*letterSink)(nil)

func (s *letterSink) poster() (*webhook.Poster, error) {
	stats := metrics.NewStatistics(prometheus.NewRegistry(), forwarder.Version, time.Now)
	return webhook.New(s.cfg, stats, health.NewHealth(), s.log, nil)
}

func (s *letterSink) Post(ctx context.Context, event audit.Event) (audit.Outcome, error) {
	outcome, err := s.lane.Deliver(ctx, []audit.Event{event})
	if err != nil {
		return audit.Outcome{}, err
	}
	if outcome.Verdict == audit.DeadLettered {
		// A poster takes many refusals in a row for the endpoint's fault. Here they are no
		// surprise, and what is refused stays: the lane goes on with a poster that knows of none.
		fresh, err := s.poster()
		if err != nil {
			return audit.Outcome{}, err
		}
		s.lane.Poster = fresh
	}
	return outcome, nil
}

func (s *letterSink) Confirm(ctx context.Context) error { return s.lane.Confirm(ctx) }

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
