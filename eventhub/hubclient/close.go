package hubclient

import (
	"context"

	"aks-audit-log-go/eventhub"
)

// CloseQuietly closes a hub within eventhub.CloseTimeout, even if ctx is done. It ignores errors: the process ends, or
// another client is made.
func CloseQuietly(ctx context.Context, hub eventhub.Hub) { closeQuietly(ctx, hub.Close) }

// closeQuietly calls closer with a deadline, even if ctx is done. It ignores errors: the service frees a link anyway.
func closeQuietly(ctx context.Context, closer func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventhub.CloseTimeout)
	defer cancel()
	_ = callWithContext(ctx, closer)
}

// callWithContext runs a call that may ignore ctx, and waits for it until ctx ends. If ctx ends first, a goroutine
// remains until the call returns.
func callWithContext(ctx context.Context, call func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- call(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
