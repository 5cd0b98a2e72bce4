package retry

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/eventhubtest"
)

func TestRetryWaitsLongerEachTimeAndEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var at []time.Duration
		began := time.Now()
		err := Do(ctx, b.Log, "try", func() error {
			at = append(at, time.Since(began))
			return errors.New("no")
		})
		require.NoError(t, err)
		assert.Equal(t, []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond,
			7500 * time.Millisecond, 15500 * time.Millisecond, 30500 * time.Millisecond, 45500 * time.Millisecond}, at)
	})
}
