package consumer

import (
	"context"
	"testing"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

// startConsumer runs a consumer. The returned function stops it and waits for its end.
func startConsumer(t *testing.T, b *eventhubtest.Bench) (stop func()) {
	t.Helper()
	return startConsumerOn(t, b, b.Hub, b.Store)
}

// startConsumerOn is startConsumer with another hub or store than the bench's own.
func startConsumerOn(t *testing.T, b *eventhubtest.Bench, hub eventhub.Hub, store eventhub.Store) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	consumer := New(b.Cfg, eventhub.NewReaderID(), hub, store, b.Sink, b.Stats, b.Health, b.Log)
	go func() {
		defer close(done)
		consumer.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}
