package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"aks-audit-log-go/internal/hubtest"
)

// trouble is something that goes wrong for a while.
type trouble struct {
	name string
	// begin lets it begin.
	begin func()
	// end undoes it; nil for what is over at once.
	end func()
	// longest is the longest time for which it lasts.
	longest time.Duration
}

// row is a row of troubles of one kind, one after the other, drawn at random. Several rows run side by
// side.
type row struct {
	rng      *rand.Rand
	troubles []trouble
	// pause is the longest time between two of them.
	pause time.Duration

	mu     sync.Mutex
	counts map[string]int
	log    func(format string, args ...any)
}

// run lets one trouble after the other happen until ctx ends. Then all is well again.
func (l *row) run(ctx context.Context) {
	for {
		// All is drawn in the same order whatever the time, so that a seed tells the row.
		next := pick(l.rng, l.troubles)
		pause, lasts := drawTime(l.rng, l.pause), drawTime(l.rng, next.longest)
		waitFor(ctx, pause)
		if ctx.Err() != nil {
			return
		}
		l.count(next.name)
		if l.log != nil {
			l.log("%s, for %s", next.name, lasts.Round(time.Millisecond))
		}
		next.begin()
		if next.end != nil {
			waitFor(ctx, lasts)
			next.end()
		}
	}
}

func (l *row) count(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[name]++
}

func drawTime(rng *rand.Rand, longest time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(longest) + 1))
}

// hubTroubles are what can be wrong with the hub and the way to it.
func hubTroubles(hub *hubtest.Server, rng *rand.Rand) []trouble {
	const outage = 8 * time.Second
	partition := func() string { return pick(rng, append([]string{""}, hub.PartitionIDs()...)) }
	troubles := []trouble{
		{name: "connections dropped", begin: func() { hub.DropConnections() }},
		{name: "links stolen", begin: func() { hub.StealLinks(partition()) }},
		{name: "claims expired", begin: func() { hub.ExpireClaims() }},
		{
			name: "connections dropped and refused", longest: outage,
			begin: func() { hub.RefuseConnections(true); hub.DropConnections() },
			end:   func() { hub.RefuseConnections(false) },
		},
		{
			name: "links detached and refused", longest: outage,
			begin: func() {
				hub.RefuseAttaches("com.microsoft:server-busy")
				hub.Detach("", "com.microsoft:server-busy", "busy")
			},
			end: func() { hub.RefuseAttaches("") },
		},
		{
			name: "tokens refused", longest: outage,
			begin: func() { hub.RefuseTokens(true); hub.DropConnections() },
			end:   func() { hub.RefuseTokens(false) },
		},
		{
			name: "hub silent", longest: outage,
			begin: func() { hub.GoSilent(true) },
			end:   func() { hub.GoSilent(false) },
		},
	}
	for _, condition := range []string{"amqp:internal-error", "com.microsoft:server-busy", "amqp:connection:forced", "com.microsoft:timeout"} {
		troubles = append(troubles, trouble{
			name:  "links detached, " + condition,
			begin: func() { hub.Detach(partition(), condition, "a fault") },
		})
	}
	return troubles
}

// sinkTroubles are what can be wrong with the sink.
func sinkTroubles(s *moodySink, l *ledger) []trouble {
	reopen := func() {
		if err := s.open(); err != nil {
			l.wrong("%v", err)
		}
	}
	troubles := []trouble{
		{name: "sink restarted", begin: func() { s.shut(); reopen() }},
		{name: "sink refuses connections", begin: s.shut, end: reopen, longest: 6 * time.Second},
	}
	for name, m := range map[string]mood{
		"sink answers 500": failing, "sink answers 429": throttling, "sink slow": slow, "sink resets": resettingOne,
		"sink resets in the answer": resettingTwo, "sink silent": silent,
	} {
		troubles = append(troubles, trouble{
			name: name, begin: func() { s.feel(m) }, end: func() { s.feel(accepting) }, longest: 5 * time.Second,
		})
	}
	return sorted(troubles)
}

// storageTroubles are what can be wrong with the storage and the way to it.
func storageTroubles(p *moodyStorage) []trouble {
	var troubles []trouble
	for name, m := range map[string]storageMood{
		"storage answers 503": storageBusy, "storage away": storageAway, "storage slow": storageSlow,
	} {
		troubles = append(troubles, trouble{
			name: name, begin: func() { p.feel(m) }, end: func() { p.feel(storageWorks) }, longest: 8 * time.Second,
		})
	}
	return sorted(troubles)
}

// processTroubles end replicas; each is started again at once.
func processTroubles(ctx context.Context, f *fleet, rng *rand.Rand, kills bool) []trouble {
	restart := func(signal syscall.Signal) {
		i := rng.IntN(len(f.environ))
		f.end(i, signal)
		if err := f.start(ctx, i); err != nil {
			f.ledger.wrong("start replica %d again: %v", i, err)
		}
	}
	troubles := []trouble{{name: "replica stopped", begin: func() { restart(syscall.SIGTERM) }}}
	if kills {
		troubles = append(troubles, trouble{name: "replica killed", begin: func() { restart(syscall.SIGKILL) }})
	}
	return troubles
}

// sorted puts troubles that come from a map into an order that is the same each time.
func sorted(troubles []trouble) []trouble {
	for i := range troubles {
		for j := i; j > 0 && troubles[j].name < troubles[j-1].name; j-- {
			troubles[j], troubles[j-1] = troubles[j-1], troubles[j]
		}
	}
	return troubles
}

// String tells how often each trouble happened.
func (l *row) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := ""
	for _, f := range l.troubles {
		text += fmt.Sprintf("  %4d %s\n", l.counts[f.name], f.name)
	}
	return text
}
