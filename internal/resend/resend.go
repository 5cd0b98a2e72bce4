// Package resend lets commands send to the sink as the daemon does, with its batches, retries, rate limit, credentials
// and confirmations.
package resend

import (
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/writer"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/webhook"
)

// Sink is the daemon's sink, for a command.
type Sink struct{ *webhook.Poster }

var _ eventhub.Sink = Sink{}

// NewSink returns the sink of the configuration. After the last retry, the outcome of an audit event is Dropped,
// whatever POSTFAILUREPOLICY says, so that a command ends and does not wait forever. The poster's errors are not
// logged: they say that audit events are dropped, but a command loses none of them, and reports its failure itself.
func NewSink(cfg forwarder.Config, log *logrus.Logger) (Sink, error) {
	cfg.FailurePolicy = forwarder.FailureDrop
	stats := metrics.NewStatistics(prometheus.NewRegistry(), forwarder.Version, time.Now)
	poster, err := webhook.New(cfg, stats, health.NewHealth(), withoutErrors(log))
	return Sink{poster}, err
}

// OpenSession implements eventhub.Sink. It wraps the poster's OpenSession, which returns another type because webhook
// does not import eventhub.
func (s Sink) OpenSession() eventhub.Session { return s.Poster.OpenSession() }

// withoutErrors returns a copy of log that logs no errors.
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
