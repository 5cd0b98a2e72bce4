package partition

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/checkpoint"
	"aks-audit-log-go/eventhub/deadletters"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
	"aks-audit-log-go/internal/loglimit"
	"aks-audit-log-go/internal/retry"
)

// Shared is what all partitions of a consumer have in common.
type Shared struct {
	cfg    forwarder.Config
	hub    eventhub.Hub
	store  eventhub.Store
	sink   eventhub.Sink
	stats  *metrics.Statistics
	health *health.Health
	log    logrus.FieldLogger
	// budget bounds the bytes that all partitions together hold.
	budget *budget
	// letters bounds the dead letters that wait to be stored.
	letters *deadletters.Shared
	// deadLetters limits what is logged about dead letters.
	deadLetters *loglimit.Limiter
	// warned limits warnings that hold for all partitions.
	warned loglimit.Limiter
	// skipped limits what is logged about skipped records that name no category.
	skipped loglimit.Limiter
	// watch finds out whether records of CATEGORIES come.
	watch watch
}

// NewShared returns what New needs. Close it once no partition runs any more.
func NewShared(cfg forwarder.Config, hub eventhub.Hub, store eventhub.Store, sink eventhub.Sink,
	stats *metrics.Statistics, health *health.Health, log logrus.FieldLogger,
) *Shared {
	budget := newBudget(cfg)
	return &Shared{
		cfg: cfg, hub: hub, store: store, sink: sink, stats: stats, health: health, log: log,
		budget: budget, deadLetters: newDeadLetterLimiter(log),
		letters: deadletters.NewShared(store, health, lettersShare(cfg), budget.memory()),
		skipped: loglimit.Limiter{Interval: time.Minute},
	}
}

// Close logs how many dead letters were not logged one by one.
func (s *Shared) Close() { s.deadLetters.Close() }

// Partition forwards one partition while this process owns it. Its goroutines pass hub events on in one direction:
// receive, gather, deliver. Only deliver decides how far the checkpoint may go.
type Partition struct {
	shared *Shared
	id     string
	stats  *metrics.Partition
	log    logrus.FieldLogger
	// debug reports whether the level is debug. Otherwise hub events are spared the cost of log fields.
	debug bool

	unpacker    *unpack.Unpacker
	checkpoints *checkpoint.Writer
	letters     *deadletters.Partition
	lag         *lag
	stall       *stallDetector
	share       share
	// wanted is where to start without a checkpoint.
	wanted forwarder.StartPosition
	// received is the position after the last event that was received for the first time. It belongs to the goroutine
	// of gather, and between two sessions to that of runSessions.
	received eventhub.Position
	// atStart is what waited at the start until the first of it is received. It belongs to the same goroutine as
	// received.
	atStart *waitingAtStart
	// warned limits warnings about the records of the partition.
	warned loglimit.Limiter
}

// New returns the partition with that id. Nothing happens before Run.
func New(id string, shared *Shared) *Partition {
	log := shared.log.WithField("partition", id)
	stats := shared.stats.Partition(id)
	stall := &stallDetector{}
	return &Partition{
		shared: shared, id: id, stats: stats, log: log, debug: forwarder.Debugging(log),
		unpacker: unpack.New(shared.cfg),
		checkpoints: checkpoint.New(id, shared.store, shared.cfg.CheckpointInterval,
			StoreTimeout(shared.cfg.ShutdownTimeout), stats, log),
		letters: deadletters.New(id, shared.letters, log),
		lag: &lag{
			partition: id, hub: shared.hub, stats: stats, health: shared.health, log: log, stall: stall,
			every: WatchInterval(shared.cfg, LagInterval),
		},
		stall:  stall,
		share:  share{budget: shared.budget},
		wanted: shared.cfg.StartPosition,
	}
}

// StartAtOldest makes a partition without a checkpoint start at its oldest event, whatever EVENTHUBSTARTPOSITION says.
// Call it before Run.
func (p *Partition) StartAtOldest() {
	p.wanted = forwarder.StartPosition{Kind: forwarder.StartEarliest}
}

// Run forwards until drain ends. Then it finishes the current hub event, waits until the sink has confirmed everything
// and the dead letters are stored, and writes the last checkpoint. If ctx ends, it abandons the current hub event;
// drain must end with ctx. stored is the partition's checkpoint, nil if there is none. An error means that another
// reader owns the partition: Run has then written nothing since.
func (p *Partition) Run(ctx, drain context.Context, stored *eventhub.Checkpoint) error {
	position, err := p.prepare(drain, stored)
	if err != nil || drain.Err() != nil {
		return err
	}
	ctx, abandon := context.WithCancelCause(ctx)
	defer abandon(nil)
	group, drain := errgroup.WithContext(drain)
	// An error means that the partition has another owner: nothing more may be posted.
	orAbandon := func(err error) error {
		if err != nil {
			abandon(err)
		}
		return err
	}
	defer p.forgetWatched()
	p.letters.Start(ctx, drain)
	defer p.letters.Close()
	group.Go(func() error { return p.runSessions(ctx, drain, position, orAbandon) })
	group.Go(func() error { return orAbandon(p.checkpoints.Run(drain)) })
	group.Go(func() error { p.lag.run(drain); return nil })
	if err := group.Wait(); err != nil {
		return err
	}
	p.letters.Await(ctx)
	return p.finish(ctx)
}

// prepare finds the position to start at, and records it if a restart would not find it again. It retries until it
// succeeds or ctx ends.
func (p *Partition) prepare(ctx context.Context, stored *eventhub.Checkpoint) (eventhub.Position, error) {
	if stored != nil {
		p.checkpoints.Continue(*stored)
	}
	var start startPoint
	find := func() (err error) {
		if start, err = findStart(ctx, p.shared.hub, p.id, stored, p.wanted); err != nil || !start.record {
			return err
		}
		p.checkpoints.Advance(start.Position)
		return p.checkpoints.Flush(ctx)
	}
	err := retry.Do(ctx, p.log, "find where to start", func() error {
		err := find()
		if err != nil {
			p.shared.health.ReceiveFailed(p.id, err.Error())
		}
		return err
	}, eventhub.ErrDisplaced, eventhub.ErrConflict)
	if err != nil {
		return eventhub.Position{}, err
	}
	p.received = start.Position
	p.lag.start(start.Position)
	p.atStart = newWaitingAtStart(start)
	log := p.log.WithField("sequence", start.Position.Sequence).WithField("reason", start.reason).WithFields(p.atStart.fields())
	if start.unexpected {
		log.Warn("partition does not start at its checkpoint")
	} else {
		log.Info("partition starts")
	}
	return start.Position, nil
}

// finish writes the last checkpoint, even if ctx has ended, but not if the partition has another owner.
func (p *Partition) finish(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, eventhub.ErrDisplaced) {
		return cause
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), StoreTimeout(p.shared.cfg.ShutdownTimeout))
	defer cancel()
	if err := p.checkpoints.FlushLast(ctx); errors.Is(err, eventhub.ErrConflict) {
		return err
	}
	return nil
}

// StoreTimeout returns how long each of the last requests to the store may take: CloseTimeout if SHUTDOWNTIMEOUT is 25
// s (the default) or less, and the same share of a longer one. An operator sets a longer one because something is
// slow, and events are repeated if the last checkpoint is not written.
func StoreTimeout(shutdown time.Duration) time.Duration {
	return max(eventhub.CloseTimeout, 3*shutdown/25)
}
