package eventhub

import (
	"context"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
)

// storeLetter stores a dead letter, however long that takes: the checkpoint must not pass before.
// It returns false if it was stopped first.
func (p *partition) storeLetter(stop, work context.Context, letter DeadLetter) bool {
	letter.Partition = p.id
	log := p.log.WithFields(logrus.Fields{"sequence": letter.Sequence, "record": letter.Record, "reason": letter.Reason})
	stored := false
	_ = retry(stop, log, "store a dead letter", func() error {
		err := p.store.StoreDeadLetter(work, letter)
		stored = err == nil
		return err
	})
	if stored {
		p.deadLetters.stored(letter)
	}
	return stored
}

func deadLetterOf(event Event, index int, record record, detail string) DeadLetter {
	return DeadLetter{
		Sequence: event.Sequence, Record: index, Enqueued: event.Enqueued,
		Reason: record.reason, Detail: detail, Category: record.category, Content: record.content,
	}
}

func refusedLetter(event Event, audit forwarder.AuditEvent, answer string) DeadLetter {
	return DeadLetter{
		Sequence: event.Sequence, Record: audit.Record, Enqueued: event.Enqueued,
		Reason: forwarder.ReasonRefused, Detail: answer, Content: audit.JSON,
	}
}
