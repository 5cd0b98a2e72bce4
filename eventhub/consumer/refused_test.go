package consumer

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

// refusingHub answers management requests, but denies receiving while it refuses.
type refusingHub struct {
	*eventhubtest.Hub
	refuses atomic.Bool
}

func (h *refusingHub) Receive(ctx context.Context, partition string, from eventhub.Position, receiver eventhub.Receiver) error {
	if h.refuses.Load() {
		return &eventhub.AccessDeniedError{Service: eventhub.ServiceHub, Message: "no right to listen"}
	}
	return h.Hub.Receive(ctx, partition, from, receiver)
}

func TestWhoIsRefusedLaterIsNotReadyUntilItIsAcceptedAgain(t *testing.T) {
	tests := map[string]struct {
		refuse func(b *eventhubtest.Bench, err error)
		by     eventhub.Service
	}{
		"by the hub":     {func(b *eventhubtest.Bench, err error) { b.Hub.SetUnreachable(err) }, eventhub.ServiceHub},
		"by the storage": {func(b *eventhubtest.Bench, err error) { b.Store.Fail(err) }, eventhub.ServiceStorage},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := eventhubtest.NewBench(2)
				stop := startConsumer(t, b)
				b.AssertReadiness(t, eventhubtest.OwnsAll)
				test.refuse(b, &eventhub.AccessDeniedError{Service: test.by, Message: "no role"})
				b.AssertReadiness(t, "not ready: no role")
				test.refuse(b, nil)
				b.AssertReadiness(t, eventhubtest.OwnsAll)
				test.refuse(b, errors.New("away"))
				b.AssertReadiness(t, eventhubtest.OwnsAll)
				test.refuse(b, nil)
				stop()
			})
		})
	}
}

func TestWhoIsRefusedFromTheStartIsNotReadyForThatReasonAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(2)
		b.Hub.SetUnreachable(&eventhub.AccessDeniedError{Service: eventhub.ServiceHub, Message: "no role"})
		stop := startConsumer(t, b)
		b.AssertReadiness(t, "not ready: no partition is owned yet: no role")
		b.Hub.SetUnreachable(nil)
		b.AssertReadiness(t, eventhubtest.OwnsAll)
		stop()
	})
}

func TestWhoMayAskButNotReceiveIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(2)
		hub := &refusingHub{Hub: b.Hub}
		hub.refuses.Store(true)
		stop := startConsumerOn(t, b, hub, b.Store)
		b.AssertReadiness(t, "not ready: no right to listen")
		hub.refuses.Store(false)
		b.AssertReadiness(t, eventhubtest.OwnsAll)
		stop()
	})
}

func TestAnEventSaysAtOnceThatTheReaderIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		hub := observedHub{Hub: b.Hub, health: b.Health}
		b.Health.Ownership(1, 1, 0)
		b.Health.HubRefuses("0", "no right to listen")
		b.Hub.Append("0", []byte("{}"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- hub.Receive(ctx, "0", eventhub.Beginning(), eventhub.Receiver{Handle: func(context.Context, eventhub.Event) {}})
		}()
		synctest.Wait()
		_, reason := b.Health.Ready()
		assert.Equal(t, "ready: owning 1 of 1 partitions", reason)
		cancel()
		assert.NoError(t, <-done)
	})
}
