package beside

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/advice"
	"aks-audit-log-go/eventhub/hubclient"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder"
)

// Options say what is read. Times are compared with the time at which the service accepted a hub event, in whole
// milliseconds, as the service has it.
type Options struct {
	// Group is the consumer group to read in, or "" for the configured one.
	Group string
	// From leaves out the hub events that were enqueued before it. The zero time starts each partition behind the hub
	// event that is the newest when reading starts.
	From time.Time
	// After has the positions of partitions that are read from there instead of from From.
	After map[string]eventhub.Position
	// To leaves out the hub events that were enqueued at this time or later, and ends a partition at the first of them,
	// or when the time has come and nothing before it is left. The zero time sets no such end.
	To time.Time
	// ToNewest ends each partition after the hub event that is the newest when reading starts.
	ToNewest bool
	// Found is called with what each partition holds when reading starts, before a hub event of it is handed on. The
	// calls are concurrent, one a partition. It may be nil.
	Found func(partition string, info eventhub.PartitionInfo)
}

// bounded reports whether reading ends by itself.
func (o Options) bounded() bool { return o.ToNewest || !o.To.IsZero() }

// HubEvent is a hub event with what the daemon would make of it.
type HubEvent struct {
	Partition string
	eventhub.Event
	// Records are the records of the hub event in their order. They use its body.
	Records []unpack.Record
	// Detail says more if the hub event as a whole is a dead letter.
	Detail string
}

// Handle takes one hub event. Those of a partition come in order and one at a time, those of several partitions
// concurrently. Handle must return when ctx ends. It may block: then nothing more is read of that partition. An error
// ends all reading.
type Handle func(ctx context.Context, event HubEvent) error

// Read hands the hub events of all partitions that the hub has now to handle. It returns nil when all partitions are
// through or ctx has ended. It ends with an error that says what to do if a partition cannot be opened, and if a reader
// with an epoch takes a partition. If it loses a partition for another reason, it logs that, and tries again.
func Read(ctx context.Context, cfg forwarder.Config, options Options, log logrus.FieldLogger, handle Handle) error {
	if options.Group != "" {
		cfg.ConsumerGroup = options.Group
	}
	hub, err := hubclient.NewBeside(cfg, eventhub.NewReaderID())
	if err != nil {
		return err
	}
	defer hubclient.CloseQuietly(ctx, hub)
	err = read(ctx, hub, cfg, options, log, handle)
	switch {
	case ctx.Err() != nil && !errors.Is(err, errHandle):
		return nil
	case errors.Is(err, hubclient.ErrPartitionInUse):
		return advice.GroupInUse(cfg, err)
	}
	return err
}

// read is Read with a hub. An error about an opened hub already says what to do.
func read(ctx context.Context, hub eventhub.Hub, cfg forwarder.Config, options Options, log logrus.FieldLogger, handle Handle) error {
	ids, err := hub.PartitionIDs(ctx)
	if err != nil {
		return advice.Hub(cfg, err)
	}
	options.From, options.To = wholeMilliseconds(options.From), wholeMilliseconds(options.To)
	all, ctx := errgroup.WithContext(ctx)
	for _, id := range ids {
		p := &partition{id: id, hub: hub, cfg: cfg, options: options, handle: handle, unpacker: unpack.New(cfg), log: log.WithField("partition", id)}
		all.Go(func() error { return p.read(ctx) })
	}
	return all.Wait()
}

// wholeMilliseconds returns the first whole millisecond at t or after it: the service has no finer times.
func wholeMilliseconds(t time.Time) time.Time {
	whole := t.Truncate(time.Millisecond)
	if whole.Before(t) {
		whole = whole.Add(time.Millisecond)
	}
	return whole
}
