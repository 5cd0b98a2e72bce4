package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
)

// storageBill counts a daemon's requests to the storage by their price.
type storageBill struct {
	mu                              sync.Mutex
	lists, ownerships, checks, rest int
}

// note is a StorageFault that changes nothing.
func (b *storageBill) note(_ http.ResponseWriter, r *http.Request) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.URL.Query().Get("comp") == "list":
		b.lists++
	case r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/ownership/"):
		b.ownerships++
	case r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/checkpoint/"):
		b.checks++
	default:
		b.rest++
	}
	return false
}

// read returns the counts so far.
func (b *storageBill) read() storageBill {
	b.mu.Lock()
	defer b.mu.Unlock()
	return storageBill{lists: b.lists, ownerships: b.ownerships, checks: b.checks, rest: b.rest}
}

// docs/sizing.md calculates the costs from these figures. -v prints the result.
func TestTheStorageIsAskedNoMoreThanTheGuideSays(t *testing.T) {
	t.Parallel()
	const partitions, interval = 2, 500 * time.Millisecond
	const shortestRound, shortestRenewal = 10 * time.Second, 20 * time.Second
	hub, s, c, p := harness.StartHub(t, partitions), harness.StartSink(t), harness.NewEmptyBlobs(t), harness.StartStorageProxy(t)
	bill := &storageBill{}
	fed := harness.NewFeed(hub)
	fed.Add(t, 1, 2)
	harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL).With(p.Settings(t)).With(harness.Settings{"CHECKPOINTINTERVAL": interval.String()}))
	s.Await(t, fed.Total())
	harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "it is at rest")
	p.SetFault(bill.note)

	begun := time.Now()
	for events := 0; bill.read().ownerships < partitions; events++ { // so that there is always something to checkpoint
		fed.Add(t, 1, 2)
		s.Await(t, fed.Total())
	}
	took, seen := time.Since(begun), bill.read()
	t.Logf("in %s, with %d partitions and CHECKPOINTINTERVAL=%s: %d lists, %d writes of ownerships, %d of checkpoints, %d others, for %d audit events",
		took.Round(time.Second), partitions, interval, seen.lists, seen.ownerships, seen.checks, seen.rest, fed.Total())
	// The first and the last round may be measured in part.
	assert.LessOrEqual(t, seen.lists, int(took/shortestRound)+2, "one for each balancing round")
	assert.LessOrEqual(t, seen.ownerships, (int(took/shortestRenewal)+1)*partitions, "one for each partition and second round")
	assert.LessOrEqual(t, seen.checks, partitions*int(took/interval+1), "one for each partition and CHECKPOINTINTERVAL, whatever is delivered")
	assert.Positive(t, seen.checks)
	assert.Zero(t, seen.rest)
}
