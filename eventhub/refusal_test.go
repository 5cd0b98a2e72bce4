package eventhub

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// refusingHub answers questions, but lets nobody receive while it refuses.
type refusingHub struct {
	*memoryHub
	refuses atomic.Bool
}

func (h *refusingHub) Receive(ctx context.Context, partition string, from Position, handle Handler) error {
	if h.refuses.Load() {
		return &refusedError{by: hubPart, text: "no right to listen"}
	}
	return h.memoryHub.Receive(ctx, partition, from, handle)
}

// assertReadiness waits until what goes round every half minute has gone round.
func (b *bench) assertReadiness(t *testing.T, want string) {
	t.Helper()
	time.Sleep(time.Minute)
	ready, reason := b.health.Ready()
	assert.Equal(t, want, reason)
	assert.Equal(t, want == ownsAll, ready)
}

const ownsAll = "ready: owning 2 of 2 partitions"

func TestWhoIsRefusedLaterIsNotReadyUntilItIsAcceptedAgain(t *testing.T) {
	tests := map[string]struct {
		refuse func(b *bench, err error)
		by     part
	}{
		"by the hub":     {func(b *bench, err error) { b.hub.setUnreachable(err) }, hubPart},
		"by the storage": {func(b *bench, err error) { b.store.fail(err) }, storagePart},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(2)
				stop := b.start(t)
				b.assertReadiness(t, ownsAll)
				test.refuse(b, &refusedError{by: test.by, text: "no role"})
				b.assertReadiness(t, "not ready: no role")
				test.refuse(b, nil)
				b.assertReadiness(t, ownsAll)
				test.refuse(b, errors.New("away"))
				b.assertReadiness(t, ownsAll)
				test.refuse(b, nil)
				stop()
			})
		})
	}
}

func TestWhoIsRefusedFromTheStartIsNotReadyForThatReasonAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2)
		b.hub.setUnreachable(&refusedError{by: hubPart, text: "no role"})
		stop := b.start(t)
		b.assertReadiness(t, "not ready: no partition is owned yet: no role")
		b.hub.setUnreachable(nil)
		b.assertReadiness(t, ownsAll)
		stop()
	})
}

func TestWhoMayAskButNotReceiveIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2)
		hub := &refusingHub{memoryHub: b.hub}
		hub.refuses.Store(true)
		stop := b.startOn(t, hub, b.store)
		b.assertReadiness(t, "not ready: no right to listen")
		hub.refuses.Store(false)
		b.assertReadiness(t, ownsAll)
		stop()
	})
}

func TestAnEventSaysAtOnceThatTheReaderIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		hub := heardHub{Hub: b.hub, health: b.health}
		b.health.Ownership(1, 1, 0)
		b.health.HubRefuses("0", "no right to listen")
		b.hub.append("0", []byte("{}"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- hub.Receive(ctx, "0", beginning(), func(context.Context, Event) {}) }()
		synctest.Wait()
		_, reason := b.health.Ready()
		assert.Equal(t, "ready: owning 1 of 1 partitions", reason)
		cancel()
		assert.NoError(t, <-done)
	})
}
