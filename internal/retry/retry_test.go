package retry

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
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
		log, _ := logtest.NewNullLogger()
		var began, ended []time.Time
		require.NoError(t, Do(t.Context(), log, "try", func() error {
			began = append(began, time.Now())
			if len(began) == 4 {
				return nil
			}
			if len(began) == 3 {
				time.Sleep(MaxDelay + 1) // the bubble's clock
			}
			ended = append(ended, time.Now())
			return errors.New("no")
		}))
		var delays []time.Duration
		for i := range began[1:] {
			delays = append(delays, began[i+1].Sub(ended[i]))
		}
		assert.Equal(t, seconds(0.5, 1, 0.5), delays)
	})
}

func TestDoLogsTheFirstFailureAndThenOneAMinuteWithTheirNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logged := logtest.NewNullLogger()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		began := time.Now()
		var at []time.Duration
		log.AddHook(&hook{func() { at = append(at, time.Since(began)) }})
		require.NoError(t, Do(ctx, log, "try", func() error { return errors.New("no") }))
		assert.Equal(t, seconds(0, 60.5, 120.5), at)
		var failures []int
		for _, entry := range logged.AllEntries() {
			failures = append(failures, entry.Data["failures"].(int))
		}
		assert.Equal(t, []int{1, 9, 13}, failures)
	})
}

// hook calls a function for each entry of a log.
type hook struct{ fire func() }

func (*hook) Levels() []logrus.Level { return logrus.AllLevels }

func (h *hook) Fire(*logrus.Entry) error {
	h.fire()
	return nil
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

func TestAwaitEndsWithTheChangeTheTimeOrTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changed := make(chan struct{})
		began := time.Now()
		require.NoError(t, Await(t.Context(), changed, time.Second))
		assert.Equal(t, time.Second, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, Await(ctx, changed, 0), context.DeadlineExceeded)
		close(changed)
		require.NoError(t, Await(t.Context(), changed, 0))
	})
}
