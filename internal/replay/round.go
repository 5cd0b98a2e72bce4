package replay

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/semaphore"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/beside"
)

// limits bound how much a replay holds in memory.
type limits struct {
	// batch is how many audit events of a partition wait to be posted at most. bytes is about how much memory all hub
	// events take at most.
	batch int
	bytes int64
}

// limitsOf returns the limits that the configuration sets.
func limitsOf(cfg forwarder.Config) limits {
	return limits{batch: cfg.PostBatchMaxEvents, bytes: int64(eventhub.UnpackedShare(cfg.MaxBytesInFlight))}
}

const (
	// readAhead is how many hub events of a partition may wait to be posted.
	readAhead = 256
	// saveInterval is how often the state is saved. After a kill, what was confirmed since the last save is sent
	// again.
	saveInterval = time.Second
	// stopTime is how long a replay waits for confirmations after a signal at most. What is confirmed in this time is
	// not sent again.
	stopTime = 30 * time.Second
	// recordSize is about how much memory a record takes besides its content, in bytes.
	recordSize = 200
)

// round reads everything that is not confirmed, and posts it over one connection to the sink.
type round struct {
	*replay
	memory *semaphore.Weighted

	mu    sync.Mutex
	lanes map[string]*lane
	work  sync.WaitGroup
	// failure is the first error of a lane.
	failure error
}

func (r *replay) newRound() *round {
	return &round{replay: r, memory: semaphore.NewWeighted(r.limits.bytes), lanes: map[string]*lane{}}
}

// run reads and posts everything, and waits until the sink has confirmed it.
func (r *round) run(ctx context.Context) error {
	reading, stopReading := context.WithCancelCause(ctx)
	defer stopReading(nil)
	posting, stopPosting := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stopPosting(nil)
	defer context.AfterFunc(ctx, func() {
		// Reading has to end before Stop, so that the errors that Stop causes are expected. ctx may not have ended
		// reading yet.
		stopReading(context.Cause(ctx))
		r.sink.Stop()
		r.log.Infof("interrupted: waiting until the sink has confirmed what it was sent, for %s at the most", stopTime)
		limit := time.AfterFunc(stopTime, func() { stopPosting(context.Cause(ctx)) })
		context.AfterFunc(posting, func() { limit.Stop() })
	})()
	var saving sync.WaitGroup
	saving.Go(func() { r.keepSaving(reading, stopReading) })

	options := beside.Options{
		Group: r.options.Group, From: r.options.From, To: r.options.To, After: r.state.positions(), Found: r.noteFound,
	}
	begin := func(l *lane) {
		if err := l.run(posting, reading, func(p passed) { r.notePassed(l, p) }); err != nil {
			r.fail(err)
			stopReading(err)
			stopPosting(err)
		}
	}
	readErr := r.read(reading, options, func(ctx context.Context, event beside.HubEvent) error { return r.take(ctx, event, begin) })
	cause := context.Cause(reading)
	for _, l := range r.lanes {
		close(l.in)
	}
	r.work.Wait()
	if r.failure == nil {
		r.failure = r.confirm(posting)
	}
	stopReading(nil)
	saving.Wait()
	r.finish()
	switch {
	case r.failure != nil:
		readErr = r.failure
	case errors.Is(cause, errNotSaved):
		readErr = cause
	}
	return errors.Join(readErr, r.save())
}

// take gives a hub event to the lane of its partition. It waits while the hub events in memory exceed the limit.
func (r *round) take(ctx context.Context, event beside.HubEvent, begin func(*lane)) error {
	l := r.lane(event, begin)
	taken := hubEvent{HubEvent: event, bytes: int64(len(event.Body))}
	contents := int64(0)
	for i := range event.Records {
		contents += int64(len(event.Records[i].Content) + len(event.Records[i].Original) + recordSize)
	}
	taken.bytes = min(r.limits.bytes, max(taken.bytes, contents))
	taken.Body = nil // the records use it
	if r.memory.Acquire(ctx, taken.bytes) != nil {
		return nil //nolint:nilerr // ctx has ended, and the hub event counts as not taken
	}
	select {
	case l.in <- taken:
	case <-ctx.Done():
	}
	return nil
}

// lane returns the lane of a hub event's partition.
func (r *round) lane(event beside.HubEvent, begin func(*lane)) *lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, known := r.lanes[event.Partition]
	if known {
		return l
	}
	l = &lane{
		partition: event.Partition, session: r.sink.OpenSession(), batch: r.limits.batch, release: r.memory.Release,
		in: make(chan hubEvent, readAhead), last: r.lastOf(event),
	}
	r.lanes[event.Partition] = l
	r.work.Go(func() { begin(l) })
	return l
}

// lastOf returns the position before the first hub event of a partition. It notes in oldest if retention has removed
// the hub events before it. mu is held.
func (r *round) lastOf(first beside.HubEvent) eventhub.Position {
	if last, known := r.state.positions()[first.Partition]; known {
		return last
	}
	if first.Sequence > 0 && first.Sequence == r.found[first.Partition].First && first.Enqueued.After(r.options.From) {
		if len(r.oldest) == 0 {
			r.log.WithField("partition", first.Partition).Warnf("the hub holds nothing before %s any more: replaying from there", inText(first.Enqueued))
		}
		r.oldest[first.Partition] = first.Enqueued
	}
	return eventhub.Position{Sequence: eventhub.NoSequence}
}

// noteFound notes what a partition holds.
func (r *round) noteFound(partition string, info eventhub.PartitionInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found[partition] = info
}

// notePassed notes that a hub event is done. Hub events that wait for the same confirmation share an entry, so that
// hub events without audit events take no memory.
func (r *round) notePassed(l *lane, p passed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.counts.Missing > 0 {
		r.log.WithFields(logrus.Fields{"partition": l.partition, "before": p.position.Sequence, "missing": p.counts.Missing}).
			Warn("hub events are missing: retention removed them before they were read")
	}
	if last := len(l.passed) - 1; last >= 0 && l.passed[last].accepted == p.accepted {
		l.passed[last].position = p.position
		l.passed[last].counts.add(p.counts)
		return
	}
	l.passed = append(l.passed, p)
}

// noteConfirmed adds what the sink has confirmed to the state.
func (r *round) noteConfirmed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lanes {
		confirmed := l.session.Confirmed()
		for len(l.passed) > 0 && l.passed[0].accepted <= confirmed {
			r.state.advance(l.partition, l.passed[0].position, l.passed[0].counts)
			l.passed = l.passed[1:]
		}
	}
}

// confirm waits until the sink has confirmed all that it accepted.
func (r *round) confirm(ctx context.Context) error {
	for _, l := range r.lanes {
		if err := l.confirm(ctx); err != nil {
			return err
		}
	}
	return nil
}

// finish adds what the sink has confirmed to the state, counts the rest as unconfirmed, and closes the sessions.
func (r *round) finish() {
	r.noteConfirmed()
	r.unconfirmed = Counts{}
	for _, l := range r.lanes {
		for _, p := range l.passed {
			r.unconfirmed.add(p.counts)
		}
		l.session.Close()
	}
}

// fail keeps the first error of the lanes.
func (r *round) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failure == nil {
		r.failure = err
	}
}

// errNotSaved says that the state could not be written.
var errNotSaved = errors.New("the progress of the replay cannot be stored")

// keepSaving saves the state and shows the progress regularly, until ctx ends.
func (r *round) keepSaving(ctx context.Context, stop context.CancelCauseFunc) {
	tick := time.NewTicker(saveInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.noteConfirmed()
		if err := r.save(); err != nil {
			stop(errors.Join(errNotSaved, err))
		}
		r.progress.show(r.howFar())
	}
}
