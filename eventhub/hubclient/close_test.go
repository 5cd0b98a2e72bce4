package hubclient

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestACallThatIgnoresItsContextIsLeftBehind(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release, returned := make(chan struct{}), make(chan struct{})
	cancel()
	err := callWithContext(ctx, func(context.Context) error {
		<-release
		close(returned)
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	close(release)
	<-returned
}

func TestTheErrorOfACallThatEndsInTimeIsReturned(t *testing.T) {
	failure := errors.New("away")
	assert.Equal(t, failure, callWithContext(t.Context(), func(context.Context) error { return failure }))
}
