package daemon

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/writer"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/httpclient"
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
	client := httpclient.New(httpclient.Options{KeepAlive: cfg.KeepAlive})
	defer client.CloseIdleConnections()
	cfg.FailurePolicy = forwarder.FailureDrop
	return eventhub.ReplayDeadLetters(ctx, records, &letterSink{cfg: cfg, client: client, log: withoutErrors(log)}, options, out)
}

// letterSink posts dead letters by the daemon's own poster.
type letterSink struct {
	cfg    forwarder.Config
	client *http.Client
	log    logrus.FieldLogger
	poster *webhook.Poster
}

var _ eventhub.ReplaySink = (*letterSink)(nil)

func (s *letterSink) Post(ctx context.Context, event forwarder.AuditEvent) (forwarder.Outcome, error) {
	if s.poster == nil {
		stats := forwarder.NewStatistics(prometheus.NewRegistry(), forwarder.Version, time.Now)
		s.poster = webhook.New(s.cfg, s.client, stats, forwarder.NewHealth(), s.log, nil)
	}
	outcomes, err := s.poster.Deliver(ctx, []forwarder.AuditEvent{event})
	if err != nil {
		return forwarder.Outcome{}, err
	}
	if outcomes[0].Verdict == forwarder.DeadLettered {
		// A poster takes many refusals in a row for the endpoint's fault. Here they are no
		// surprise, and what is refused stays: the next letter has a new one.
		s.poster = nil
	}
	return outcomes[0], nil
}

// Settle has nothing to wait for: what the sink accepted counts as delivered at once.
func (s *letterSink) Settle(context.Context) error { return nil }

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
