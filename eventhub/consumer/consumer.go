package consumer

import (
	"context"
	mathrand "math/rand/v2"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/partition"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/health"
	"aks-audit-log-go/forwarder/metrics"
)

// Consumer owns partitions and forwards their hub events.
type Consumer struct {
	cfg    forwarder.Config
	hub    eventhub.Hub
	store  eventhub.Store
	sink   eventhub.Sink
	stats  *metrics.Statistics
	health *health.Health
	log    logrus.FieldLogger
	shared *partition.Shared

	// ownerID names this replica in the ownerships.
	ownerID string
	rng     *mathrand.Rand
	known   knownPartitions

	// The fields below belong to the goroutine of Run.
	// partitions are the known partitions in the current round.
	partitions []string
	// first are the partitions that the hub had when the consumer group first read it, nil before they are needed.
	first   []string
	deleted deletedOwnerships
	owned   map[string]*ownedPartition
	outage  storeOutage
	ended   chan *ownedPartition
	// expires is the time until the first ownership of another replica expires, as last listed.
	expires time.Duration
}

// New returns a consumer. ownerID names this replica in the ownerships and must be unique. Nothing happens before Run.
func New(cfg forwarder.Config, ownerID string, hub eventhub.Hub, store eventhub.Store, sink eventhub.Sink,
	stats *metrics.Statistics, health *health.Health, log logrus.FieldLogger,
) *Consumer {
	observed := observedHub{Hub: hub, cfg: cfg, health: health}
	restored := restoringStore{Store: store, ownerID: ownerID, log: log}
	return &Consumer{
		cfg: cfg, hub: observed, store: restored, sink: sink, stats: stats, health: health, log: log,
		shared: partition.NewShared(cfg, observed, restored, sink, stats, health, log),

		ownerID: ownerID,
		rng:     mathrand.New(mathrand.NewPCG(mathrand.Uint64(), mathrand.Uint64())), // #nosec G404 -- it only picks among equal partitions
		deleted: deletedOwnerships{seen: map[string]eventhub.Ownership{}},
		owned:   map[string]*ownedPartition{},
		outage:  storeOutage{listed: time.Now()},
		ended:   make(chan *ownedPartition),
	}
}

// Run consumes until ctx ends. Then each partition finishes its current hub event, if the sink accepts it and
// SHUTDOWNTIMEOUT allows. Run writes the last checkpoints and relinquishes the partitions, so that another replica
// takes them over at once.
func (c *Consumer) Run(ctx context.Context) {
	defer c.shared.Close()
	c.log.WithField("owner", c.ownerID).Info("consumer starts")
	defer c.startAsking(ctx)()
	next := time.After(c.round(ctx))
	for {
		select {
		case <-ctx.Done():
			c.shutDown(ctx)
			return
		case ended := <-c.ended:
			c.release(ctx, ended)
		case <-next:
			next = time.After(c.round(ctx))
		}
	}
}
