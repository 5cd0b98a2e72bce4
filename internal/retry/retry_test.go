package retry

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func seconds(all ...float64) []time.Duration {
	var durations []time.Duration
	for _, one := range all {
		durations = append(durations, time.Duration(one*float64(time.Second)))
	}
	return durations
}

func TestDoWaitsLongerEachTimeAndEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logged := logtest.NewNullLogger()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var at []time.Duration
		began := time.Now()
		err := Do(ctx, log, "try", func() error {
			at = append(at, time.Since(began))
			return errors.New("no")
		})
		require.NoError(t, err)
		assert.Equal(t, seconds(0, 0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 45.5), at)
		assert.Equal(t, time.Minute, time.Since(began))
		assert.Equal(t, "cannot try, trying again", logged.Entries[0].Message)
		assert.Equal(t, 500*time.Millisecond, logged.Entries[0].Data["delay"])
	})
}

func TestDoStartsWithTheShortDelayAfterAnAttemptThatLasted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logged := logtest.NewNullLogger()
		attempts := 0
		require.NoError(t, Do(t.Context(), log, "try", func() error {
			if attempts++; attempts == 4 {
				return nil
			}
			if attempts == 3 {
				time.Sleep(MaxDelay + 1) // the bubble's clock
			}
			return errors.New("no")
		}))
		var delays []time.Duration
		for _, entry := range logged.AllEntries() {
			delays = append(delays, entry.Data["delay"].(time.Duration))
		}
		assert.Equal(t, seconds(0.5, 1, 0.5), delays)
	})
}

func TestDoReturnsAPermanentErrorAtOnce(t *testing.T) {
	log, logged := logtest.NewNullLogger()
	gone, other := errors.New("gone"), errors.New("other")
	err := Do(t.Context(), log, "try", func() error { return fmt.Errorf("try: %w", gone) }, other, gone)
	require.ErrorIs(t, err, gone)
	assert.Empty(t, logged.AllEntries())
}

func TestBackoffDoublesUpToItsMaximumAndStartsAgainAfterAReset(t *testing.T) {
	for name, test := range map[string]struct {
		backoff Backoff
		want    []time.Duration
	}{
		"usual":         {Backoff{Min: time.Second, Max: 5 * time.Second}, seconds(1, 2, 4, 5, 5)},
		"first at once": {Backoff{Min: time.Second, Max: 5 * time.Second, FirstAtOnce: true}, seconds(0, 1, 2, 4, 5)},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				var got []time.Duration
				for range test.want {
					got = append(got, test.backoff.Next())
				}
				assert.Equal(t, test.want, got)
				test.backoff.Reset()
			}
		})
	}
}

func TestSleepLastsAndEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		require.NoError(t, Sleep(t.Context(), time.Second))
		assert.Equal(t, time.Second, time.Since(began))
		require.NoError(t, Sleep(t.Context(), 0))
		enough := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(enough) })
		require.ErrorIs(t, Sleep(ctx, time.Hour), enough)
		require.ErrorIs(t, Sleep(ctx, 0), enough, "a context that has ended comes first")
		assert.Equal(t, time.Minute+time.Second, time.Since(began))
	})
}
