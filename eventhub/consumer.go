// Package eventhub consumes an event hub and hands the audit events in it to a Sink.
//
// It guarantees that the checkpoint of a partition never passes a record without a verdict, that
// the order within a partition is kept, and that partitions do not wait for each other. After a
// crash, what was delivered since the last checkpoint comes again.
//
// Several processes share the partitions of a consumer group through the ownerships in the
// Store. Only this package knows an Azure SDK.
package eventhub

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	mathrand "math/rand/v2"
	"os"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
)

const (
	// balanceInterval is how often ownerships are renewed, before a jitter of 20 % either way
	// that keeps replicas from acting in step.
	balanceInterval = 10 * time.Second
	// balanceRetry is how soon a round that failed is tried again.
	balanceRetry = 2 * time.Second
	// roundTimeout bounds a round, so that one that hangs does not cost the ownerships.
	roundTimeout = 30 * time.Second
	// farewellTimeout bounds each of the last words to the store when a partition is let go.
	farewellTimeout = 3 * time.Second
)

// Consumer owns partitions and forwards what they hold.
type Consumer struct {
	cfg    forwarder.Config
	hub    Hub
	store  Store
	sink   Sink
	stats  *forwarder.Statistics
	health *forwarder.Health
	log    logrus.FieldLogger
	budget *budget
	// copies is shared by the partitions: a copy may come in another one.
	copies *copies
	// deadLetters is shared by the partitions: what fills the log is their sum.
	deadLetters *deadLetterLog

	// me names this reader in the ownerships.
	me  string
	rng *mathrand.Rand
	// vigil is kept by the rounds, for the partitions.
	vigil *vigil

	// What follows belongs to the goroutine of Run.
	partitions []string
	held       map[string]*holding
	outage     storeOutage
	ended      chan *holding
	// expires is when the first ownership of another reader would expire, as last listed.
	expires time.Duration
}

// holding is a partition that this process owns.
type holding struct {
	partition string
	ownership Ownership
	// stop asks it to end in good order, abandon at once.
	stop    context.CancelFunc
	abandon context.CancelCauseFunc
	// err is set when it has ended: why it may not be given up any more.
	err error
}

// New returns a consumer. Nothing happens before Run.
func New(cfg forwarder.Config, hub Hub, store Store, sink Sink, stats *forwarder.Statistics, health *forwarder.Health, log logrus.FieldLogger) *Consumer {
	return &Consumer{
		cfg: cfg, hub: heardHub{Hub: hub, health: health}, store: store, sink: sink, stats: stats, health: health, log: log,
		deadLetters: newDeadLetterLog(log),
		budget:      newBudget(cfg),
		copies:      newCopies(cfg.DedupeWindow, len(cfg.Categories)),

		me:     readerID(),
		rng:    mathrand.New(mathrand.NewPCG(mathrand.Uint64(), mathrand.Uint64())), // #nosec G404 -- it only picks among equal partitions
		vigil:  &vigil{},
		held:   map[string]*holding{},
		outage: storeOutage{listed: time.Now()},
		ended:  make(chan *holding),
	}
}

// readerID is the host's name, which in Kubernetes is the pod's, and something that tells a
// restarted process from the one before.
func readerID() string {
	suffix := make([]byte, 4)
	_, _ = rand.Read(suffix) // never fails, says its documentation
	host, err := os.Hostname()
	if err != nil {
		host = "aks-audit-log-go"
	}
	return host + "-" + hex.EncodeToString(suffix)
}

// Run consumes until ctx ends. Then it lets every partition finish the hub event in hand, as
// long as the sink takes it and SHUTDOWNTIMEOUT allows, writes the last checkpoints, gives the
// partitions up so that another replica takes them over at once, and returns.
func (c *Consumer) Run(ctx context.Context) {
	defer c.deadLetters.close()
	c.log.WithField("owner", c.me).Info("consumer starts")
	defer c.watch(ctx)()
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

// round renews and claims once and returns the pause until the next one.
func (c *Consumer) round(ctx context.Context) time.Duration {
	roundCtx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	defer c.vigil.kept(time.Now())
	if err := c.tryRound(ctx, roundCtx); err != nil {
		if ctx.Err() == nil {
			c.stats.BalanceFailed()
			c.health.OwnershipUnknown(err.Error())
			if refusedBy(err) == storagePart {
				c.health.StorageRefuses(err.Error())
			}
			c.log.WithError(err).Warn("balancing round failed, trying again")
		}
		return balanceRetry
	}
	c.health.StorageAccepts()
	pause := time.Duration(float64(balanceInterval) * (0.8 + 0.4*c.rng.Float64()))
	return min(pause, c.expires)
}

func (c *Consumer) tryRound(ctx, roundCtx context.Context) error {
	if err := c.findPartitions(roundCtx); err != nil {
		return err
	}
	listed, now, err := c.store.ListOwnerships(roundCtx)
	if err != nil {
		return err
	}
	c.outage.over(time.Now(), listed, c.me, now)
	c.expires = untilExpiry(listed, c.me, now)
	won, err := c.claim(roundCtx, balance(c.partitions, listed, c.me, now, c.rng))
	c.dropLost(listed)
	err = errors.Join(err, c.begin(ctx, roundCtx, won))
	c.reportOwnership(listed, won, now)
	return err
}

// findPartitions asks the hub once which partitions there are: their number is fixed when an
// event hub is made, and may be raised later in the dearer tiers, which wants a restart.
func (c *Consumer) findPartitions(ctx context.Context) error {
	if len(c.partitions) > 0 {
		return nil
	}
	partitions, err := c.hub.PartitionIDs(ctx)
	if err != nil {
		return err
	}
	c.partitions = partitions
	c.log.WithField("partitions", len(partitions)).Info("event hub found")
	return nil
}

// claim takes the partitions that it still can. A lost race is no failure.
func (c *Consumer) claim(ctx context.Context, wanted []Ownership) ([]Ownership, error) {
	var won []Ownership
	var failures error
	for _, ownership := range wanted {
		claimed, err := c.store.Claim(ctx, ownership)
		switch {
		case err == nil:
			won = append(won, claimed)
		case errors.Is(err, ErrLostRace):
			c.lose(ownership.Partition)
		default:
			failures = errors.Join(failures, err)
		}
	}
	return won, failures
}

// dropLost ends the partitions that, as the listing shows, another reader has taken.
func (c *Consumer) dropLost(listed []Ownership) {
	for _, ownership := range listed {
		if ownership.Owner != c.me && ownership.Owner != "" {
			c.lose(ownership.Partition)
		}
	}
}

// lose ends a partition that has another owner, without another word to anybody.
func (c *Consumer) lose(partition string) {
	if holding := c.held[partition]; holding != nil {
		holding.abandon(ErrDisplaced)
	}
}

// begin starts the partitions that were won and do not run yet.
func (c *Consumer) begin(ctx, roundCtx context.Context, won []Ownership) error {
	var fresh []Ownership
	for _, ownership := range won {
		if holding := c.held[ownership.Partition]; holding != nil {
			holding.ownership = ownership
		} else {
			fresh = append(fresh, ownership)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	checkpoints, err := c.store.ListCheckpoints(roundCtx)
	if err != nil {
		return err
	}
	stored := map[string]*Checkpoint{}
	for _, checkpoint := range checkpoints {
		stored[checkpoint.Partition] = &checkpoint
	}
	for _, ownership := range fresh {
		c.hold(ctx, ownership, stored[ownership.Partition])
	}
	return nil
}

// hold runs a partition until it is stopped, abandoned or displaced; its end arrives in c.ended.
func (c *Consumer) hold(ctx context.Context, ownership Ownership, stored *Checkpoint) {
	work, abandon := context.WithCancelCause(context.WithoutCancel(ctx))
	stop, cancel := context.WithCancel(work)
	holding := &holding{partition: ownership.Partition, ownership: ownership, stop: cancel, abandon: abandon}
	c.held[ownership.Partition] = holding
	c.stats.PartitionOwned(ownership.Partition)
	c.log.WithField("partition", ownership.Partition).Info("partition owned")
	partition := newPartition(ownership.Partition, c)
	go func() {
		holding.err = partition.run(stop, work, stored)
		cancel()
		abandon(nil)
		c.ended <- holding
	}()
}

// release forgets a partition that has ended and gives it up, unless it has another owner.
func (c *Consumer) release(ctx context.Context, ended *holding) {
	delete(c.held, ended.partition)
	c.stats.PartitionReleased(ended.partition)
	c.health.Released(ended.partition)
	log := c.log.WithField("partition", ended.partition)
	if ended.err != nil {
		log.WithField("reason", ended.err).Info("partition lost to another reader")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, farewellTimeout)
	defer cancel()
	if err := c.giveUp(ctx, ended.ownership); err != nil {
		log.WithError(err).Warn("partition not given up, it stays taken until its ownership expires")
		return
	}
	log.Info("partition given up")
}

// reportOwnership tells health and the operator who owns what.
func (c *Consumer) reportOwnership(listed, won []Ownership, now time.Time) {
	current := map[string]Ownership{}
	for _, ownership := range append(listed, won...) {
		current[ownership.Partition] = ownership
	}
	all := make([]Ownership, 0, len(current))
	for _, ownership := range current {
		all = append(all, ownership)
	}
	c.health.Ownership(len(c.held), len(c.partitions), unowned(c.partitions, all, now))
	c.health.Owners(c.me, owners(c.partitions, all, now))
}

// shutDown ends every partition. What is in hand may take as long as leaves room for the last
// words within SHUTDOWNTIMEOUT.
func (c *Consumer) shutDown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(c.cfg.ShutdownTimeout-farewellTimeout, 3*c.cfg.ShutdownTimeout/4))
	defer cancel()
	for _, holding := range c.held {
		holding.stop()
	}
	patience := time.After(workTimeout(c.cfg.ShutdownTimeout))
	for len(c.held) > 0 {
		select {
		case ended := <-c.ended:
			c.release(ctx, ended)
		case <-patience:
			c.log.WithField("partitions", len(c.held)).Warn("stopping takes too long, what is in hand is left and will come again")
			for _, holding := range c.held {
				holding.abandon(errShutdown)
			}
		}
	}
	c.log.Info("consumer stopped")
}

var errShutdown = errors.New("the time to shut down was used up")

// workTimeout is the part of SHUTDOWNTIMEOUT in which work in hand may be finished: all but
// what four farewells (the link, the checkpoint, the ownership, and the hub's client, which comes
// when Run has returned) may need, or half of it.
func workTimeout(shutdown time.Duration) time.Duration {
	return max(shutdown-4*farewellTimeout, shutdown/2)
}
