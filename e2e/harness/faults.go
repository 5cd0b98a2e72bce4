package harness

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"

	"aks-audit-log-go/internal/hubtest"
)

// Fault is a failure that lasts for a time.
type Fault struct {
	name string
	// begin starts the fault.
	begin func()
	// end ends the fault. It is nil if the fault ends at once.
	end func()
	// longest is how long the fault lasts at most.
	longest time.Duration
}

// HubFaults returns the faults of the hub and of the connections to it.
func HubFaults(hub *hubtest.Server, rng *rand.Rand) []Fault {
	const outage = 8 * time.Second
	partition := func() string { return pick(rng, append([]string{""}, hub.PartitionIDs()...)) }
	faults := []Fault{
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
		faults = append(faults, Fault{
			name:  "links detached, " + condition,
			begin: func() { hub.Detach(partition(), condition, "a fault") },
		})
	}
	return faults
}

// SinkFaults returns the faults of the sink.
func SinkFaults(s *FaultySink, o *Oracle) []Fault {
	reopen := func() {
		if err := s.openPort(); err != nil {
			o.ReportError("%v", err)
		}
	}
	faults := []Fault{
		{name: "sink restarted", begin: func() { s.closePort(); reopen() }},
		{name: "sink refuses connections", begin: s.closePort, end: reopen, longest: 6 * time.Second},
	}
	for name, m := range map[string]sinkMode{
		"sink answers 500": sinkFails, "sink answers 429": sinkThrottles, "sink slow": sinkSlow, "sink resets": sinkResetsBeforeAnswer,
		"sink resets in the answer": sinkResetsInAnswer, "sink silent": sinkSilent,
	} {
		faults = append(faults, Fault{
			name: name, begin: func() { s.setMode(m) }, end: func() { s.setMode(sinkAccepts) }, longest: 5 * time.Second,
		})
	}
	return sortedByName(faults)
}

// storageFaults returns the faults of the storage and of the connections to it.
func storageFaults(p *faultyStorage) []Fault {
	var faults []Fault
	for name, m := range map[string]storageMode{
		"storage answers 503": storageBusy, "storage closes connections": storageClosed, "storage slow": storageSlow,
	} {
		faults = append(faults, Fault{
			name: name, begin: func() { p.setMode(m) }, end: func() { p.setMode(storageWorks) }, longest: 8 * time.Second,
		})
	}
	return sortedByName(faults)
}

// ProcessFaults returns faults that end a replica, which is started again at once.
func ProcessFaults(ctx context.Context, f *Fleet, rng *rand.Rand, kills bool) []Fault {
	restart := func(signal syscall.Signal) {
		i := rng.IntN(len(f.environ))
		f.end(i, signal)
		if err := f.start(ctx, i); err != nil {
			f.oracle.ReportError("start replica %d again: %v", i, err)
		}
	}
	faults := []Fault{{name: "replica stopped", begin: func() { restart(syscall.SIGTERM) }}}
	if kills {
		faults = append(faults, Fault{name: "replica killed", begin: func() { restart(syscall.SIGKILL) }})
	}
	return faults
}

// sortedByName sorts faults that come from a map, so that a seed always draws the same ones.
func sortedByName(faults []Fault) []Fault {
	for i := range faults {
		for j := i; j > 0 && faults[j].name < faults[j-1].name; j-- {
			faults[j], faults[j-1] = faults[j-1], faults[j]
		}
	}
	return faults
}
