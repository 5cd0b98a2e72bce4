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

// fault is something that goes wrong for a while.
type fault struct {
	name string
	// begin lets it begin.
	begin func()
	// end undoes it; nil for what is over at once.
	end func()
	// longest is the longest time for which it lasts.
	longest time.Duration
}

// lane is a row of faults of one kind, one after the other, drawn at random. Several lanes run side by
// side.
type lane struct {
	rng    *rand.Rand
	faults []fault
	// pause is the longest time between two of them.
	pause time.Duration

	mu     sync.Mutex
	counts map[string]int
	log    func(format string, args ...any)
}

// run lets one fault after the other happen until ctx ends. Then all is well again.
func (l *lane) run(ctx context.Context) {
	for {
		// All is drawn in the same order whatever the time, so that a seed tells the row.
		next := pick(l.rng, l.faults)
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

func (l *lane) count(name string) {
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

// hubFaults are what can be wrong with the hub and the way to it.
func hubFaults(hub *hubtest.Server, rng *rand.Rand) []fault {
	const outage = 8 * time.Second
	partition := func() string { return pick(rng, append([]string{""}, hub.PartitionIDs()...)) }
	faults := []fault{
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
		faults = append(faults, fault{
			name:  "links detached, " + condition,
			begin: func() { hub.Detach(partition(), condition, "a fault") },
		})
	}
	return faults
}

// sinkFaults are what can be wrong with the sink.
func sinkFaults(s *moodySink, l *ledger) []fault {
	reopen := func() {
		if err := s.open(); err != nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.complain("%v", err)
		}
	}
	faults := []fault{
		{name: "sink restarted", begin: func() { s.shut(); reopen() }},
		{name: "sink refuses connections", begin: s.shut, end: reopen, longest: 6 * time.Second},
	}
	for name, m := range map[string]mood{
		"sink answers 500": failing, "sink answers 429": throttling, "sink slow": slow, "sink resets": resettingOne,
		"sink resets in the answer": resettingTwo, "sink silent": silent,
	} {
		faults = append(faults, fault{
			name: name, begin: func() { s.feel(m) }, end: func() { s.feel(accepting) }, longest: 5 * time.Second,
		})
	}
	return sorted(faults)
}

// storageFaults are what can be wrong with the storage and the way to it.
func storageFaults(p *storageProxy) []fault {
	var faults []fault
	for name, m := range map[string]storageMood{
		"storage answers 503": storageBusy, "storage away": storageAway, "storage slow": storageSlow,
	} {
		faults = append(faults, fault{
			name: name, begin: func() { p.feel(m) }, end: func() { p.feel(storageWorks) }, longest: 8 * time.Second,
		})
	}
	return sorted(faults)
}

// processFaults end replicas; each is started again at once.
func processFaults(ctx context.Context, f *fleet, rng *rand.Rand, kills bool) []fault {
	restart := func(signal syscall.Signal) {
		i := rng.IntN(len(f.environ))
		f.end(i, signal)
		if err := f.start(ctx, i); err != nil {
			f.ledger.mu.Lock()
			defer f.ledger.mu.Unlock()
			f.ledger.complain("start replica %d again: %v", i, err)
		}
	}
	faults := []fault{{name: "replica stopped", begin: func() { restart(syscall.SIGTERM) }}}
	if kills {
		faults = append(faults, fault{name: "replica killed", begin: func() { restart(syscall.SIGKILL) }})
	}
	return faults
}

// sorted puts faults that come from a map into an order that is the same each time.
func sorted(faults []fault) []fault {
	for i := range faults {
		for j := i; j > 0 && faults[j].name < faults[j-1].name; j-- {
			faults[j], faults[j-1] = faults[j-1], faults[j]
		}
	}
	return faults
}

// String tells how often each fault happened.
func (l *lane) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := ""
	for _, f := range l.faults {
		text += fmt.Sprintf("  %4d %s\n", l.counts[f.name], f.name)
	}
	return text
}
