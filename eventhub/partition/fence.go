package partition

import (
	"context"
	"sync"
	"time"

	"aks-audit-log-go/eventhub"
)

// vigilTime is for how long a reader may go by what it last saw of the ownerships. Rounds begin
// 42 s apart at the most (a pause of 12 s behind one that took 30 s), also when the store cannot be
// reached: who has not looked for longer was frozen, and may have been taken for dead when its
// ownerships expired.
const VigilTime = eventhub.OwnershipExpiry - 10*time.Second

// vigil keeps a reader that was frozen (SIGSTOP, a suspended machine, a cgroup without a share of
// the processor) from posting what is no longer its own: before each POST it sees that the
// ownerships were looked at lately, and else waits until they have been. Whatever they say then
// ends the partitions that were lost.
//
// It says nothing of a store that cannot be reached: who looks in vain goes on, since nobody else
// can take the partitions over then.
type Fence struct {
	mu     sync.Mutex
	looked time.Time     // when the last round that has ended began; zero before the first
	next   chan struct{} // closed when the next one has ended; nil while nobody waits for it
}

// kept notes that a balancing round which began at that time has ended.
func (v *Fence) Kept(began time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.looked = began
	if v.next != nil {
		close(v.next)
		v.next = nil
	}
}

// overdue returns what ends with the next round, nil if the last one is recent enough.
func (v *Fence) overdue() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	// The monotonic clock stands still while the machine sleeps, the other one may be set.
	asleep := max(now.Sub(v.looked), now.Round(0).Sub(v.looked.Round(0)))
	if v.looked.IsZero() || asleep < VigilTime {
		return nil
	}
	if v.next == nil {
		v.next = make(chan struct{})
	}
	return v.next
}

// await returns when the ownerships were looked at lately, or with the reason why ctx ended.
func (v *Fence) Await(ctx context.Context) error {
	for {
		round := v.overdue()
		if round == nil {
			return nil
		}
		select {
		case <-round:
		case <-ctx.Done():
		}
		// A round that finds a partition lost ends ctx, and is over afterwards.
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}
