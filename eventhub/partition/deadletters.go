package partition

import (
	"context"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/unpack"
	auditpkg "aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/retry"
)

// storeLetter stores a dead letter, however long that takes: the checkpoint must not pass before.
// It returns false if it was stopped first.
func (p *Partition) storeDeadLetter(stop, work context.Context, letter eventhub.DeadLetter) bool {
	letter.Partition = p.id
	log := p.log.WithFields(logrus.Fields{"sequence": letter.Sequence, "record": letter.Record, "reason": letter.Reason})
	stored := false
	_ = retry.Do(stop, log, "store a dead letter", func() error {
		err := p.store.StoreDeadLetter(work, letter)
		stored = err == nil
		return err
	}, eventhub.ErrDisplaced, eventhub.ErrConflict)
	if stored {
		p.deadLetters.stored(letter)
	}
	return stored
}

func deadLetterOf(event eventhub.Event, index int, record unpack.Record, detail string) eventhub.DeadLetter {
	return eventhub.DeadLetter{
		Sequence: event.Sequence, Record: index, Enqueued: event.Enqueued,
		Reason: record.Reason, Detail: detail, Category: record.Category, Content: record.Content,
	}
}

func refusedLetter(event eventhub.Event, audit auditpkg.Event, answer string) eventhub.DeadLetter {
	return eventhub.DeadLetter{
		Sequence: event.Sequence, Record: audit.Record, Enqueued: event.Enqueued,
		Reason: auditpkg.ReasonRefused, Detail: answer, Content: audit.JSON,
	}
}

const (
	// deadLettersSaid is how many dead letters of one reason are logged one by one in each
	// deadLetterPause: somebody who floods the hub with rubbish must not flood the log.
	deadLettersLogged = 10
	deadLetterPause   = time.Minute
)

// deadLetterLog warns of the dead letters of all partitions: the first of each reason one by one,
// then how many more there were. It never shows their content.
type deadLetterLog struct {
	log logrus.FieldLogger

	mu      sync.Mutex
	reasons map[string]*deadLetterCount
}

// deadLetterCount is what came of one reason in the minute that is running.
type deadLetterCount struct {
	said, leftOut int
	over          *time.Timer
}

func newDeadLetterLog(log logrus.FieldLogger) *deadLetterLog {
	return &deadLetterLog{log: log, reasons: map[string]*deadLetterCount{}}
}

// stored says that a letter has been stored.
func (d *deadLetterLog) stored(letter eventhub.DeadLetter) {
	if !d.due(letter.Reason) {
		return
	}
	d.log.WithFields(unpack.Identify(letter.Content).LogFields()).WithFields(logrus.Fields{
		"partition": letter.Partition, "sequence": letter.Sequence, "record": letter.Record,
		"reason": letter.Reason, "detail": letter.Detail,
	}).Warn("record stored as a dead letter, it cannot be delivered")
}

// due counts a letter and tells whether it is to be logged.
func (d *deadLetterLog) due(reason string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	count := d.reasons[reason]
	if count == nil {
		count = &deadLetterCount{over: time.AfterFunc(deadLetterPause, func() { d.sumUp(reason) })}
		d.reasons[reason] = count
	}
	if count.said >= deadLettersLogged {
		count.leftOut++
		return false
	}
	count.said++
	return true
}

// sumUp ends a reason's minute and says how many letters were left out in it.
func (d *deadLetterLog) sumUp(reason string) {
	d.mu.Lock()
	count := d.reasons[reason]
	delete(d.reasons, reason)
	d.mu.Unlock()
	if count == nil {
		return
	}
	count.over.Stop()
	if count.leftOut > 0 {
		d.log.WithFields(logrus.Fields{"reason": reason, "left_out": count.leftOut}).
			Warn("more records were stored as dead letters, for the same reason")
	}
}

// close says what is left to say. Nothing may be stored any more.
func (d *deadLetterLog) close() {
	d.mu.Lock()
	var reasons []string
	for reason := range d.reasons {
		reasons = append(reasons, reason)
	}
	d.mu.Unlock()
	for _, reason := range reasons {
		d.sumUp(reason)
	}
}
