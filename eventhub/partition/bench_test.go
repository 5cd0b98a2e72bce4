package partition

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

// startPartitions runs every partition of the bench's hub, like a consumer that owns them all. The returned function
// drains them and waits for their end.
func startPartitions(t *testing.T, b *eventhubtest.Bench) (stop func()) {
	t.Helper()
	return startPartitionsOn(t, b, b.Hub)
}

// startPartitionsOn is startPartitions with another hub than the bench's own.
func startPartitionsOn(t *testing.T, b *eventhubtest.Bench, hub eventhub.Hub) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	checkpoints, err := b.Store.ListCheckpoints(ctx)
	require.NoError(t, err)
	stored := map[string]*eventhub.Checkpoint{}
	for _, checkpoint := range checkpoints {
		stored[checkpoint.Partition] = &checkpoint
	}
	shared := NewShared(b.Cfg, hub, b.Store, b.Sink, b.Stats, b.Health, b.Log)
	partitions, err := b.Hub.PartitionIDs(ctx)
	require.NoError(t, err)
	var running sync.WaitGroup
	for _, id := range partitions {
		b.Stats.Partition(id).Owned()
		running.Go(func() {
			assert.NoError(t, New(id, shared).Run(context.WithoutCancel(ctx), ctx, stored[id]))
		})
	}
	return func() {
		cancel()
		running.Wait()
		shared.Close()
	}
}

// otherCategory is the body of a hub event with nothing to deliver.
var otherCategory = eventhubtest.HubBody(eventhubtest.AuditRecord("guard", "klog"))
