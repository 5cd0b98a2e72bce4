package eventhub

import (
	"context"
)

// bounded calls what may not pay heed to ctx, and waits for it no longer than ctx lasts. It then
// leaves a goroutine behind, until the call returns.
func CallWithContext(ctx context.Context, call func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- call(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// letGo says good-bye, also when ctx has ended. What there is to say then helps nobody: the
// service frees a link either way.
func CloseQuietly(ctx context.Context, goodBye func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), CloseTimeout)
	defer cancel()
	_ = CallWithContext(ctx, goodBye)
}
