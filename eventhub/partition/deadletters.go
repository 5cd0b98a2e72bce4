package partition

import (
	"bytes"
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/deadletters"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/loglimit"
)

const (
	// deadLettersLogged is how many dead letters of one reason are logged one by one in each deadLetterInterval, so
	// that rubbish that floods the hub does not flood the log.
	deadLettersLogged  = 10
	deadLetterInterval = time.Minute

	// reducedDetail is the detail of the dead letter that holds the original of a reduced event.
	reducedDetail = "the sink gets this audit event truncated"
)

// newDeadLetterLimiter returns the limiter of warnings about dead letters of all partitions: the first of each reason
// are logged one by one, then their number.
func newDeadLetterLimiter(log logrus.FieldLogger) *loglimit.Limiter {
	return &loglimit.Limiter{Burst: deadLettersLogged, Interval: deadLetterInterval, Summary: func(reason string, leftOut int) {
		log.WithFields(logrus.Fields{"reason": reason, "left_out": leftOut}).
			Warn("more records cannot be delivered for the same reason: stored as dead letters")
	}}
}

// handOver gives a dead letter to the store. It returns false if too much waits to be stored.
type handOver func(hold *deadletters.Hold, letter eventhub.DeadLetter, stored func(gathered bool)) bool

// handOverWithin returns the handOver that waits for room until drain ends.
func (p *Partition) handOverWithin(drain context.Context) handOver {
	return func(hold *deadletters.Hold, letter eventhub.DeadLetter, stored func(gathered bool)) bool {
		return p.letters.Store(drain, hold, letter, stored)
	}
}

// storeDeadLetters hands over the dead letters of a hub event, and the originals of truncated audit events. Only the
// checkpoint waits until they are stored. If it returns false for lack of room, the next call continues there.
func (p *Partition) storeDeadLetters(give handOver, event *hubEvent) bool {
	for ; event.handedOver < len(event.records); event.handedOver++ {
		record := &event.records[event.handedOver]
		letter := eventhub.DeadLetter{
			Sequence: event.Sequence, Record: event.handedOver, Enqueued: event.Enqueued,
			Reason: record.Reason, Detail: event.detail, Category: record.Category, Content: record.Content,
		}
		switch {
		case record.Original != nil:
			letter.Content, letter.Detail = record.Original, reducedDetail
		case record.Verdict != audit.DeadLettered:
			continue
		}
		if !p.storeDeadLetter(give, event, letter) {
			return false
		}
	}
	return true
}

// storeRefused hands over an audit event that the sink refuses for good. For a truncated one it hands over nothing:
// the original, which holds more, is handed over already. It returns false if drain ended while too many dead letters
// wait.
func (p *Partition) storeRefused(drain context.Context, event *hubEvent, sent audit.Event, answer string) bool {
	if sent.Truncated {
		p.log.WithFields(sent.LogFields()).WithField("detail", answer).
			Warn("the sink refuses a truncated audit event: its original is stored as a dead letter")
		return true
	}
	return p.storeDeadLetter(p.handOverWithin(drain), event, eventhub.DeadLetter{
		Sequence: event.Sequence, Record: sent.Record, Enqueued: event.Enqueued,
		Reason: audit.ReasonRefused, Detail: answer, Content: sent.JSON,
	})
}

func (p *Partition) storeDeadLetter(give handOver, event *hubEvent, letter eventhub.DeadLetter) bool {
	if event.hold == nil {
		event.hold = &deadletters.Hold{}
	}
	letter.Partition = p.id
	// It may be a part of a hub event's body, which must not stay in memory.
	letter.Content = bytes.Clone(letter.Content)
	return give(event.hold, letter, func(gathered bool) { p.logDeadLetter(letter, gathered) })
}

// logDeadLetter warns of a stored dead letter, without its content. For a reduced event it says that the sink gets it,
// and where the original is, unless that is one of many in an object.
func (p *Partition) logDeadLetter(letter eventhub.DeadLetter, gathered bool) {
	if !p.shared.deadLetters.Next(letter.Reason).Log {
		return
	}
	log := p.shared.log.WithFields(unpack.Identify(letter.Content).LogFields()).WithFields(logrus.Fields{
		"partition": letter.Partition, "sequence": letter.Sequence, "record": letter.Record,
		"reason": letter.Reason, "detail": letter.Detail,
	})
	if letter.Detail == reducedDetail {
		if !gathered {
			log = log.WithField("dead_letter", letter.Name())
		}
		log.Warn("audit event sent truncated, without its request or response object: the original is stored as a dead letter")
		return
	}
	log.Warn("record cannot be delivered: stored as a dead letter")
}
