package main

import (
	"context"
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"

	"aks-audit-log-go/internal/hubtest"
)

// recordsPerEvent is the largest number of records in a hub event of the demo. A real hub event of AKS had 22 records.
const recordsPerEvent = 22

// generate appends audit events to random partitions of the hub until ctx is done, or until it has appended
// opts.events.
func generate(ctx context.Context, hub *hubtest.Server, tally *tally, opts options) {
	limit := rate.Inf
	if opts.rate > 0 {
		limit = rate.Limit(opts.rate)
	}
	limiter := rate.NewLimiter(limit, recordsPerEvent)
	partitions := hub.PartitionIDs()
	for sent := 0; opts.events == 0 || sent < opts.events; {
		count := 1 + rand.IntN(recordsPerEvent) // #nosec G404 -- made-up events
		if opts.events > 0 {
			count = min(count, opts.events-sent)
		}
		if limiter.WaitN(ctx, count) != nil {
			return
		}
		body, auditIDs := hubEvent(count, time.Now().UTC())
		for _, id := range auditIDs {
			tally.appended(id)
		}
		hub.Append(partitions[rand.IntN(len(partitions))], body) // #nosec G404 -- any partition will do
		sent += count
	}
}
