// Package resend gives commands the daemon's way to the sink: its batches, retries, rate limit, credentials and
// confirmations.
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

// Sink is the daemon's sink for a command.
type Sink struct{ *webhook.Poster }

var _ eventhub.Sink = Sink{}

// NewSink returns the sink of the configuration. If its retries are used up, the outcome of an audit event is Dropped,
// whatever POSTFAILUREPOLICY says: a command ends then, and does not wait forever. The poster's errors are not logged.
// They say that audit events are dropped, but here they stay where they are, and the command reports what went wrong.
func NewSink(cfg forwarder.Config, log *logrus.Logger) (Sink, error) {
	cfg.FailurePolicy = forwarder.FailureDrop
	stats := metrics.NewStatistics(prometheus.NewRegistry(), forwarder.Version, time.Now)
	poster, err := webhook.New(cfg, stats, health.NewHealth(), withoutErrors(log))
	return Sink{poster}, err
}

// OpenSession implements eventhub.Sink. webhook does not import eventhub, so its OpenSession returns another type.
func (s Sink) OpenSession() eventhub.Session { return s.Poster.OpenSession() }

// withoutErrors returns log without its errors.
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
