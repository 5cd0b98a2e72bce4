package admin

import (
	"context"
	"io"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/storage"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/resend"
)

// ReplayDeadLetters posts the dead letters to the daemon's sink, with the same retries, and deletes those that the
// sink accepts. After the last retry it ends with an error, whatever POSTFAILUREPOLICY says, and keeps the dead
// letters that are left.
func ReplayDeadLetters(ctx context.Context, cfg forwarder.Config, options ReplayOptions, out io.Writer, log *logrus.Logger) error {
	records, err := storage.OpenRecords(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = records.Close() }()
	options.MaxEventSize = cfg.SinkMaxEventSize
	poster, err := resend.NewSink(cfg, log)
	if err != nil {
		return err
	}
	sink := &letterSink{poster: poster, session: poster.OpenSession()}
	defer sink.session.Close()
	return replayAll(ctx, records, sink, options, out)
}

// letterSink posts dead letters as the daemon posts audit events.
type letterSink struct {
	poster  resend.Sink
	session eventhub.Session
}

var _ ReplaySink = (*letterSink)(nil)

// Post implements ReplaySink.
func (s *letterSink) Post(ctx context.Context, event audit.Event) (audit.Outcome, error) {
	outcome, err := s.session.Deliver(ctx, []audit.Event{event})
	if err != nil {
		return audit.Outcome{}, err
	}
	if outcome.Verdict == audit.DeadLettered {
		// After many refusals in a row, a poster assumes that the endpoint is wrong. Dead letters were refused before,
		// so their refusals are expected and say nothing about the endpoint.
		s.poster.ForgetRefusals()
	}
	return outcome, nil
}

// Confirm implements ReplaySink.
func (s *letterSink) Confirm(ctx context.Context) error { return s.session.Confirm(ctx) }
