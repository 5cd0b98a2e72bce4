package partition

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/loglimit"
	"aks-audit-log-go/internal/retry"
)

const (
	// deadLettersLogged is how many dead letters of one reason are logged one by one in each deadLetterInterval:
	// somebody who floods the hub with rubbish must not flood the log.
	deadLettersLogged  = 10
	deadLetterInterval = time.Minute

	// reducedDetail is the detail of the dead letter that holds the original of a reduced event.
	reducedDetail = "the sink is given this event reduced"
)

// newDeadLetterLimiter returns what limits the warnings about dead letters of all partitions: the first of each reason
// are logged one by one, then their number.
func newDeadLetterLimiter(log logrus.FieldLogger) *loglimit.Limiter {
	return &loglimit.Limiter{Burst: deadLettersLogged, Interval: deadLetterInterval, Summary: func(reason string, leftOut int) {
		log.WithFields(logrus.Fields{"reason": reason, "left_out": leftOut}).
			Warn("more records were stored as dead letters, for the same reason")
	}}
}

// storeDeadLetters stores the dead letters among the records of a hub event, and the originals of those that the sink
// gets truncated. It returns false if drain ended before all were stored.
func (p *Partition) storeDeadLetters(ctx, drain context.Context, event *hubEvent) bool {
	for i := range event.records {
		record := &event.records[i]
		if record.Verdict == audit.Skipped || record.Verdict == "" && record.Original == nil {
			continue
		}
		letter := eventhub.DeadLetter{
			Sequence: event.Sequence, Record: i, Enqueued: event.Enqueued,
			Reason: record.Reason, Detail: event.detail, Category: record.Category, Content: record.Content,
		}
		if record.Original != nil {
			letter.Content, letter.Detail = record.Original, reducedDetail
		}
		if !p.storeDeadLetter(ctx, drain, letter) {
			return false
		}
	}
	return true
}

// storeRefused stores an audit event that the sink refuses for good. The original of a truncated one is stored already,
// which holds more and must not be replaced. It returns false if drain ended before the dead letter was stored.
func (p *Partition) storeRefused(ctx, drain context.Context, event *hubEvent, sent audit.Event, answer string) bool {
	if sent.Truncated {
		p.log.WithFields(sent.LogFields()).WithField("detail", answer).
			Warn("the sink refuses a reduced audit event, its original is a dead letter")
		return true
	}
	return p.storeDeadLetter(ctx, drain, eventhub.DeadLetter{
		Sequence: event.Sequence, Record: sent.Record, Enqueued: event.Enqueued,
		Reason: audit.ReasonRefused, Detail: answer, Content: sent.JSON,
	})
}

// storeDeadLetter stores a dead letter, however long that takes: the checkpoint must not pass it before. When drain ends
// it makes no further attempt, and returns false if the dead letter is not stored; ctx cuts off an attempt.
func (p *Partition) storeDeadLetter(ctx, drain context.Context, letter eventhub.DeadLetter) bool {
	letter.Partition = p.id
	log := p.log.WithFields(logrus.Fields{"sequence": letter.Sequence, "record": letter.Record, "reason": letter.Reason})
	stored := false
	_ = retry.Do(drain, log, "store a dead letter", func() error {
		err := p.shared.store.StoreDeadLetter(ctx, letter)
		stored = err == nil
		return err
	}, eventhub.ErrDisplaced, eventhub.ErrConflict)
	if stored {
		p.logDeadLetter(letter)
	}
	return stored
}

// logDeadLetter warns of a dead letter that was stored. It never shows the content. It says of a reduced event that the
// sink gets it, and where the original is.
func (p *Partition) logDeadLetter(letter eventhub.DeadLetter) {
	if !p.shared.deadLetters.Next(letter.Reason).Log {
		return
	}
	log := p.shared.log.WithFields(unpack.Identify(letter.Content).LogFields()).WithFields(logrus.Fields{
		"partition": letter.Partition, "sequence": letter.Sequence, "record": letter.Record,
		"reason": letter.Reason, "detail": letter.Detail,
	})
	if letter.Detail == reducedDetail {
		log.WithField("dead_letter", letter.Name()).
			Warn("audit event goes to the sink without its request or response object, its original is a dead letter")
		return
	}
	log.Warn("record stored as a dead letter, it cannot be delivered")
}
