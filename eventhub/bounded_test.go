package eventhub

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestACallThatDoesNotHeedItsContextIsLeftToItself(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release, returned := make(chan struct{}), make(chan struct{})
	cancel()
	err := CallWithContext(ctx, func(context.Context) error {
		<-release
		close(returned)
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	close(release)
	<-returned
}

func TestACallThatEndsInTimeIsHeard(t *testing.T) {
	away := errors.New("away")
	assert.Equal(t, away, CallWithContext(t.Context(), func(context.Context) error { return away }))
}
