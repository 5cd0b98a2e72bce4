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

// Options say what Read reads. From and To are compared with the time at which the service accepted a hub event, which
// it keeps in whole milliseconds.
type Options struct {
	// Group is the consumer group to read in, or "" for the configured one.
	Group string
	// From leaves out the hub events that were enqueued before it. If it is zero, each partition starts after its
	// newest hub event at the time reading starts.
	From time.Time
	// After has the positions of the partitions that start after a position. From does not count for them.
	After map[string]eventhub.Position
	// To leaves out the hub events that were enqueued at this time or later. A partition ends at the first of them, or
	// once the time has come and all hub events before it were read. The zero time sets no end.
	To time.Time
	// ToNewest ends each partition after its newest hub event at the time reading starts.
	ToNewest bool
	// Found is called with what each partition holds when reading starts, before Handle gets a hub event of it. It is
	// called once for each partition, and the calls are concurrent. It may be nil.
	Found func(partition string, info eventhub.PartitionInfo)
}

// bounded reports whether reading ends by itself.
func (o Options) bounded() bool { return o.ToNewest || !o.To.IsZero() }

// HubEvent is a hub event and the records that the daemon would make of it.
type HubEvent struct {
	Partition string
	eventhub.Event
	// Records are the records of the hub event in their order. They use its body.
	Records []unpack.Record
	// Detail says more if the hub event as a whole is a dead letter.
	Detail string
}

// Handle takes one hub event. It is called in order and one at a time for a partition, and concurrently for several
// partitions. It must return when ctx ends. While it blocks, its partition is not read any further. If it returns an
// error, all reading ends.
type Handle func(ctx context.Context, event HubEvent) error

// Read gives handle the hub events of all partitions that the hub has now. It returns nil when all partitions are read
// up to their ends, or when ctx has ended. It fails if it cannot open a partition, or if a reader with an epoch takes
// one; the error says what to do. If it loses a partition for another reason, it logs the error and tries again.
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

// read is Read with a hub. The hub's errors are returned with advice on what to do.
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

// wholeMilliseconds rounds a time up to a whole millisecond, because the service's times are no finer.
func wholeMilliseconds(t time.Time) time.Time {
	whole := t.Truncate(time.Millisecond)
	if whole.Before(t) {
		whole = whole.Add(time.Millisecond)
	}
	return whole
}
