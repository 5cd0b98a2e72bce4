package partition

import (
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/metrics"
)

// waitingAtStart is what waits in a partition when this replica starts to read it.
type waitingAtStart struct {
	// events is how many hub events wait, by their sequence numbers.
	events int64
	// newest is when the newest of them was enqueued, zero if unknown.
	newest time.Time
}

func newWaitingAtStart(start startPoint) *waitingAtStart {
	return &waitingAtStart{
		events: start.Position.Waiting(start.info.Newest(), start.info.First), newest: start.info.LastEnqueued,
	}
}

// fields returns the fields of the log. The service says only when the newest hub event was enqueued; the oldest is at
// least as old.
func (w *waitingAtStart) fields() logrus.Fields {
	fields := logrus.Fields{"waiting": w.events}
	if w.events == 0 || w.newest.IsZero() {
		return fields
	}
	age := ageOf(w.newest).String()
	if w.events > 1 {
		age = "at least " + age
	}
	fields["oldest_age"] = age
	return fields
}

// ageOf returns the time since an event was enqueued, 0 if the hub's clock is ahead of this one.
func ageOf(enqueued time.Time) time.Duration {
	return max(0, time.Since(enqueued)).Round(time.Millisecond)
}

// noteOldest logs the age of the first hub event after the start, if it waited longer than metrics.BehindAfter: only
// now is the age of the oldest known.
func (p *Partition) noteOldest(event eventhub.Event) {
	waiting := p.atStart
	p.atStart = nil
	if waiting == nil || waiting.events == 0 || event.Enqueued.IsZero() || time.Since(event.Enqueued) <= metrics.BehindAfter {
		return
	}
	p.log.WithFields(logrus.Fields{
		"sequence": event.Sequence, "enqueued": event.Enqueued.UTC(), "oldest_age": ageOf(event.Enqueued), "waiting": waiting.events,
	}).Info("partition starts, and hub events are waiting in it")
}

// noteWaiting records how old the oldest of the waiting hub events is. They are in order.
func (p *Partition) noteWaiting(waiting []*hubEvent) {
	if len(waiting) == 0 {
		p.stats.Waiting(time.Time{})
		return
	}
	p.stats.Waiting(waiting[0].Enqueued)
}
