package deadletters

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/loglimit"
)

const (
	// singly is how many dead letters of one reason a partition stores one by one in each singlyInterval, so that an
	// operator can read them with any tool. The others are gathered, so that a flood costs bandwidth and not requests.
	singly         = 100
	singlyInterval = time.Minute
	// gatherTime is how long dead letters are gathered. It ends early with fullObject bytes, or if much waits.
	gatherTime = 5 * time.Second
	// fullObject is how many bytes of dead letters one object holds; a larger one is stored alone. It can be uploaded
	// within the SDK's timeout over a slow line.
	fullObject = 2 << 20
	// overhead is about how many bytes a dead letter takes beside its content.
	overhead = 600
)

// Hold counts the dead letters of a hub event that are not stored. Until there are none, the checkpoint must not pass
// the hub event.
type Hold struct {
	unstored atomic.Int64
}

// Stored reports whether all dead letters are stored.
func (h *Hold) Stored() bool { return h.unstored.Load() == 0 }

// letter is a dead letter that waits.
type letter struct {
	eventhub.DeadLetter
	bytes int
	// holds are those of the hub event: several if it was read again while the dead letter waited.
	holds []*Hold
	// stored is called once it is stored. gathered is whether that is in one object with others.
	stored func(gathered bool)
}

// Partition stores the dead letters of one partition.
type Partition struct {
	id     string
	shared *Shared
	log    logrus.FieldLogger
	// limiter decides which dead letters are stored singly. Its keys are the reasons.
	limiter loglimit.Limiter
	// ctx cuts off requests. After drain ends, nothing waits to be gathered, and each request is made once more.
	ctx, drain context.Context
	// stop ends waiting for the end of drain.
	stop    func() bool
	workers sync.WaitGroup
	// retrying has a value while a failed request is repeated: one at a time.
	retrying chan struct{}

	// What follows is guarded by shared.mu.

	// pending are the dead letters that wait, by name. bytes is their size.
	pending map[string]*letter
	bytes   int
	// single and gathered are those that no worker has taken yet. gatheredBytes is the size of gathered.
	single, gathered []*letter
	gatheredBytes    int
	// due is whether gatherTime has passed for the first of gathered. timer sets it.
	due   bool
	timer *time.Timer
	// working is how many workers run. packing is whether one of them stores gathered dead letters.
	working int
	packing bool
	// idle is closed when no dead letter waits any more, nil if nothing waits for that.
	idle chan struct{}
}

// New returns the store of a partition's dead letters. Call Start before anything else.
func New(id string, shared *Shared, log logrus.FieldLogger) *Partition {
	return &Partition{
		id: id, shared: shared, log: log, retrying: make(chan struct{}, 1), pending: map[string]*letter{},
		limiter: loglimit.Limiter{Burst: singly, Interval: singlyInterval},
	}
}

// Start makes the partition store dead letters. When drain ends, it stores at once what waits, and does not retry. The
// end of ctx cuts off the requests. Call Close afterwards.
func (p *Partition) Start(ctx, drain context.Context) {
	p.ctx, p.drain = ctx, drain
	p.stop = context.AfterFunc(drain, p.wake)
}

// Store takes a dead letter, and calls stored once it is stored. hold is that of its hub event. If too much waits,
// Store waits for room, and returns false if ctx ends before. The content must not change any more.
func (p *Partition) Store(ctx context.Context, hold *Hold, dead eventhub.DeadLetter, stored func(gathered bool)) bool {
	for {
		taken, later := p.take(hold, dead, stored)
		if taken {
			return true
		}
		select {
		case <-later:
		case <-ctx.Done():
			return false
		}
	}
}

// TryStore is Store without the wait: it returns false if too much waits.
func (p *Partition) TryStore(hold *Hold, dead eventhub.DeadLetter, stored func(gathered bool)) bool {
	taken, _ := p.take(hold, dead, stored)
	return taken
}

// take takes a dead letter. If there is no room, later is closed when it is worth trying again.
func (p *Partition) take(hold *Hold, dead eventhub.DeadLetter, stored func(gathered bool)) (taken bool, later <-chan struct{}) {
	p.shared.mu.Lock()
	defer p.shared.mu.Unlock()
	dead.Partition = p.id
	name := dead.Name()
	if known := p.pending[name]; known != nil { // the hub event is read again
		hold.unstored.Add(1)
		known.holds = append(known.holds, hold)
		return true, nil
	}
	if !p.shared.roomFor(p.bytes) {
		return false, p.shared.room()
	}
	hold.unstored.Add(1)
	added := &letter{DeadLetter: dead, bytes: len(dead.Content) + overhead, holds: []*Hold{hold}, stored: stored}
	p.pending[name] = added
	p.bytes += added.bytes
	p.shared.take(added.bytes)
	if p.limiter.Next(dead.Reason).Log {
		p.single = append(p.single, added)
	} else {
		p.gather(added)
	}
	p.employ()
	return true, nil
}

// gather adds a dead letter to those that are stored together. shared.mu is held.
func (p *Partition) gather(added *letter) {
	if len(p.gathered) == 0 {
		p.due = false
		p.timer = time.AfterFunc(gatherTime, func() {
			p.shared.mu.Lock()
			p.due = true
			p.shared.mu.Unlock()
			p.wake()
		})
	}
	p.gathered = append(p.gathered, added)
	p.gatheredBytes += added.bytes
}

// Await waits until no dead letter waits any more, or ctx ends. Call it after drain has ended.
func (p *Partition) Await(ctx context.Context) {
	p.shared.mu.Lock()
	if len(p.pending) == 0 {
		p.shared.mu.Unlock()
		return
	}
	idle := make(chan struct{})
	p.idle = idle
	p.shared.mu.Unlock()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

// Close waits for current requests, and forgets what is not stored: those holds are never released. Call it after
// drain and Await, or after the end of ctx.
func (p *Partition) Close() {
	p.stop()
	p.workers.Wait()
	p.shared.mu.Lock()
	defer p.shared.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
	p.shared.free(p.bytes)
	p.pending, p.single, p.gathered, p.bytes = nil, nil, nil, 0
	p.shared.health.DeadLettersStored(p.id)
}
