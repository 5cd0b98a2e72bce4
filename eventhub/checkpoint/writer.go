package checkpoint

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/internal/loglimit"
)

// Writer writes one partition's checkpoint once an interval, and up to once a second while many audit events are
// confirmed. So delivery never waits for the store, the store is not asked for each event, and little is repeated
// after a crash.
type Writer struct {
	store    eventhub.CheckpointStore
	interval time.Duration
	// lastWrite bounds a write that is in progress when Run ends.
	lastWrite time.Duration
	stats     *metrics.Partition
	log       logrus.FieldLogger
	// stored is the checkpoint as the store has it. written is when that was written or read. Both belong to the
	// writing goroutine: Run's, and then that of the caller of FlushLast.
	stored  eventhub.Checkpoint
	written time.Time
	// unanswered are the writes since stored that got no answer: one of them may have been made.
	unanswered []eventhub.Checkpoint
	// failures limits the warnings of a row of failures to one.
	failures loglimit.Limiter
	// pending holds back the positions that the sink has not confirmed.
	pending pending
	// manySince is since when Run has seen that manyAudits are confirmed, zero if they are not. It belongs to Run.
	manySince time.Time
	// confirmed is the position up to which the checkpoint may go, nil at first.
	confirmed atomic.Pointer[eventhub.Position]
}

// New returns the writer of a partition without a checkpoint. Run writes at least once an interval. A write that is in
// progress when Run ends may take lastWrite longer.
func New(partition string, store eventhub.CheckpointStore, interval, lastWrite time.Duration, stats *metrics.Partition,
	log logrus.FieldLogger,
) *Writer {
	return &Writer{
		store: store, interval: interval, lastWrite: lastWrite, stats: stats, log: log,
		stored:  eventhub.Checkpoint{Partition: partition, Sequence: eventhub.NoSequence},
		written: time.Now(),
		pending: pending{many: make(chan struct{}, 1)},
	}
}

// Continue makes the writer start from the partition's checkpoint in the store. Call it before anything else.
func (w *Writer) Continue(stored eventhub.Checkpoint) { w.stored = stored }

// Advance allows the checkpoint to go up to the position at once.
func (w *Writer) Advance(position eventhub.Position) { w.confirmed.Store(&position) }

// StartSession begins a new session with the sink. It forgets what the old one has not confirmed, which is read again.
func (w *Writer) StartSession(session eventhub.Session) { w.pending.start(session) }

// Pass allows the checkpoint to pass a hub event once the session has confirmed all that it has accepted until now,
// and stored reports that the dead letters of the hub event are stored; it is nil if there are none. audits is how
// many audit events of the hub event were posted.
func (w *Writer) Pass(event eventhub.Event, audits int, stored func() bool) {
	w.pending.add(eventhub.After(event), audits, stored)
}

// AdvanceConfirmed notes what the session has confirmed since the last time.
func (w *Writer) AdvanceConfirmed() { w.pending.takeConfirmed(w.Advance) }

// Position returns the position up to which the sink has confirmed everything, or start if there is none yet. The next
// session continues there. The checkpoint may still be before it, because dead letters are not stored.
func (w *Writer) Position(start eventhub.Position) eventhub.Position {
	if last := w.pending.lastConfirmed(); last != nil {
		return *last
	}
	if confirmed := w.confirmed.Load(); confirmed != nil {
		return *confirmed
	}
	return start
}

const (
	// manyAudits is how many confirmed audit events are worth a checkpoint before the interval is over. It bounds what
	// is repeated after a crash; with less to do, the interval bounds it.
	manyAudits = 200
	// shortestInterval is the shortest time between two such checkpoints. It bounds the cost of a busy partition.
	shortestInterval = time.Second
	// mostInInterval bounds them if the interval is long, so that the interval still sets what the storage costs.
	mostInInterval = 5
	// lookInterval is how often Run looks while such a checkpoint may be due: no signal tells when the sink confirms.
	lookInterval = 50 * time.Millisecond
	// restTime is how long Run then waits for the rest of what has passed. Before a busy sink, a partition posts in
	// bursts (see package webhook/turn), and the checkpoint should cover a whole burst.
	restTime = 250 * time.Millisecond
)

// Run writes the checkpoint every interval, and earlier once manyAudits are confirmed, until ctx ends. It returns
// ErrConflict if another process moved the checkpoint: that one then owns the partition.
func (w *Writer) Run(ctx context.Context) error {
	// The end of ctx must not cut off a write. It would be unknown whether the write was made, and if it was, the last
	// write would be refused as if another owner had moved the checkpoint.
	writing, cancel := linger(ctx, w.lastWrite)
	defer cancel()
	wake := time.NewTimer(w.interval)
	defer wake.Stop()
	// The next write is due then, and may come as early as that.
	early := time.Now()
	due := early.Add(w.interval)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.pending.many:
		case <-wake.C:
		}
		now := time.Now()
		if !now.Before(due) || !now.Before(early) && w.manyConfirmed(now) {
			err := w.Flush(writing)
			if errors.Is(err, eventhub.ErrConflict) {
				return err
			}
			due, early = now.Add(w.interval), now.Add(max(shortestInterval, w.interval/mostInInterval))
			if err != nil { // a store that fails is asked only once an interval
				early = due
			}
			w.manySince = time.Time{}
		}
		wake.Reset(time.Until(w.nextLook(due, early)))
	}
}

// manyConfirmed reports whether enough audit events are confirmed to write before the interval is over. It waits up to
// restTime until all that have passed are confirmed.
func (w *Writer) manyConfirmed(now time.Time) bool {
	w.AdvanceConfirmed()
	unconfirmed, unwritten := w.pending.counts()
	if unwritten < manyAudits {
		return false
	}
	if w.manySince.IsZero() {
		w.manySince = now
	}
	return unconfirmed == 0 || now.Sub(w.manySince) >= restTime
}

// nextLook returns when Run looks again: when a write is due, or every lookInterval while many audit events have
// passed and a write may come early.
func (w *Writer) nextLook(due, early time.Time) time.Time {
	unconfirmed, unwritten := w.pending.counts()
	if unconfirmed+unwritten < manyAudits {
		return due
	}
	if look := time.Now().Add(lookInterval); early.Before(look) {
		early = look
	}
	if early.Before(due) {
		return early
	}
	return due
}

// linger returns a context that ends that long after ctx, or when it is cancelled.
func linger(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	lingering, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unregister := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(after):
			cancel()
		case <-lingering.Done():
		}
	})
	return lingering, func() {
		unregister()
		cancel()
	}
}

// refreshInterval is how often a checkpoint that does not move is written again. This restores a deleted one, and
// keeps it from rules that delete what was not modified for long.
const refreshInterval = 5 * time.Minute

// Flush writes the checkpoint if it may go further than the stored one, or was not written for long. It returns
// ErrConflict if another process moved the checkpoint.
func (w *Writer) Flush(ctx context.Context) error {
	w.AdvanceConfirmed()
	_, audits := w.pending.counts() // before the position is read, which may cover more
	next, confirmed := w.stored, w.confirmed.Load()
	switch {
	case confirmed != nil && !w.stored.Is(*confirmed):
		next.Sequence, next.Offset, next.Enqueued = confirmed.Sequence, confirmed.Offset, confirmed.Enqueued
	case !w.refreshDue():
		return nil
	}
	written, err := w.store.UpdateCheckpoint(ctx, next)
	if errors.Is(err, eventhub.ErrConflict) && len(w.unanswered) > 0 {
		written, err = w.overwriteOwn(ctx, next)
	}
	if err != nil {
		w.reportFailure(err)
		if !errors.Is(err, eventhub.ErrConflict) {
			w.rememberUnanswered(eventhub.Checkpoint{Partition: next.Partition, Sequence: next.Sequence, Offset: next.Offset, Enqueued: next.Enqueued})
		}
		return err
	}
	w.stored, w.written, w.unanswered = written, time.Now(), nil
	w.pending.written(audits)
	w.failures.Reset()
	w.stats.CheckpointWritten()
	w.log.WithField("sequence", written.Sequence).Debug("checkpoint written")
	return nil
}

// FlushLast is the last Flush. It also writes a checkpoint that does not move: the next owner must find one even if it
// was just deleted.
func (w *Writer) FlushLast(ctx context.Context) error {
	w.written = time.Time{}
	return w.Flush(ctx)
}

// refreshDue reports whether the stored checkpoint must be written again as it is. It is false for a checkpoint that
// this store did not write, or that cannot be read.
func (w *Writer) refreshDue() bool {
	return w.stored.Version != "" && w.stored.Sequence > eventhub.NoSequence && time.Since(w.written) >= refreshInterval
}

// maxUnanswered bounds the memory during an outage of the store, which may last for days.
const maxUnanswered = 200

// rememberUnanswered remembers a write that got no answer. If there are too many, it forgets those in the middle: a
// write is usually made without an answer at the beginning or end of an outage. If a forgotten one was made, the
// partition is claimed anew, and some events are repeated.
func (w *Writer) rememberUnanswered(write eventhub.Checkpoint) {
	if slices.Contains(w.unanswered, write) {
		return
	}
	if len(w.unanswered) == maxUnanswered {
		w.unanswered = slices.Delete(w.unanswered, maxUnanswered/2, maxUnanswered/2+1)
	}
	w.unanswered = append(w.unanswered, write)
}

// overwriteOwn overwrites our own checkpoint whose answer was lost. It returns ErrConflict if the stored checkpoint is
// another process's.
func (w *Writer) overwriteOwn(ctx context.Context, next eventhub.Checkpoint) (eventhub.Checkpoint, error) {
	listed, err := w.store.ListCheckpoints(ctx)
	if err != nil {
		return eventhub.Checkpoint{}, err
	}
	for _, found := range listed {
		version := found.Version
		found.Version = ""
		if slices.Contains(w.unanswered, found) {
			next.Version = version
			return w.store.UpdateCheckpoint(ctx, next)
		}
	}
	return eventhub.Checkpoint{}, eventhub.ErrConflict
}

// reportFailure logs the first of a row of failures, and counts each.
func (w *Writer) reportFailure(err error) {
	w.stats.CheckpointFailed()
	if !errors.Is(err, eventhub.ErrConflict) && w.failures.Next("").Log {
		w.log.WithError(err).Warn("checkpoint not written: delivery goes on, and the checkpoint is tried again")
	}
}
