package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/webhook/confirm"
)

func replaying(cfg *forwarder.Config) { cfg.SinkReplay, cfg.SinkSettleTime = true, 5*time.Second }

// offlineSession opens a session with a sink without a network, so that time is the bubble's.
func offlineSession(t *testing.T, sink http.RoundTripper, change func(*forwarder.Config)) (*Session, *fixture) {
	t.Helper()
	f := newFixture(t, sink, change)
	s := f.poster.OpenSession()
	t.Cleanup(s.Close)
	return s, f
}

func post(t *testing.T, s *Session, n int) {
	t.Helper()
	outcomes, err := deliverAll(t.Context(), s, events(n))
	require.NoError(t, err)
	require.Len(t, outcomes, n)
}

// answeringAfter returns a sink that takes one delay after the other to answer, and then always the last.
func answeringAfter(delays ...time.Duration) *script {
	return &script{answer: func(n int, _ *http.Request) (*http.Response, error) {
		<-time.After(delays[min(n, len(delays)-1)]) // the bubble's clock
		return saying(200)
	}}
}

func isLost(s *Session) bool {
	select {
	case <-s.Lost():
		return true
	default:
		return false
	}
}

func TestWhileAPostIsInFlightTimeAloneConfirmsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := offlineSession(t, answeringAfter(0, 30*time.Second), replaying)
		post(t, s, 1)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = deliverAll(t.Context(), s, events(1))
		}()
		<-time.After(29 * time.Second) // the bubble's clock
		assert.Zero(t, s.Confirmed(), "the sink may be dead")
		<-done
		<-time.After(time.Minute)
		assert.EqualValues(t, 2, s.Confirmed(), "it was not")
	})
}

// A 503 is an answer too.
func TestAnyAnswerShowsThatTheSinkLivesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := offlineSession(t, inTurn(200, 503), replaying)
		post(t, s, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		_, err := deliverAll(ctx, s, events(1))
		require.Error(t, err)
		assert.EqualValues(t, 1, s.Confirmed())
		assert.False(t, isLost(s))
	})
}

func TestTheTimeForAnAnswerIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := offlineSession(t, answeringAfter(10*time.Second), replaying)
		post(t, s, 1)
		began := time.Now()
		require.NoError(t, s.Confirm(t.Context()))
		assert.Greater(t, time.Since(began), 13*time.Second)
	})
}

func TestAPostThatTimedOutMakesConfirmingTakeLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &script{answer: func(n int, req *http.Request) (*http.Response, error) {
			if n == 1 {
				return hanging(n, req)
			}
			return saying(200)
		}}
		s, _ := offlineSession(t, sink, replaying)
		post(t, s, 2)
		assert.False(t, isLost(s), "it is slow, not dead")
		assert.Zero(t, s.Confirmed())
		<-time.After(20 * time.Second) // the bubble's clock
		assert.Zero(t, s.Confirmed(), "what it has accepted before may be stuck as well")
		began := time.Now()
		require.NoError(t, s.Confirm(t.Context()))
		assert.Equal(t, 3*time.Second, time.Since(began).Round(time.Second))
	})
}

func TestALostSessionConfirmsNothingMoreAndEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := offlineSession(t, always(200), replaying)
		post(t, s, 2)
		go func() {
			<-time.After(time.Second) // the bubble's clock
			s.tracker.Dropped(syscall.ETIMEDOUT)
		}()
		began := time.Now()
		err := s.Confirm(t.Context())
		require.ErrorIs(t, err, confirm.ErrLost)
		require.ErrorIs(t, s.Err(), syscall.ETIMEDOUT)
		assert.Equal(t, time.Second, time.Since(began))
		<-time.After(time.Hour)
		assert.Zero(t, s.Confirmed())
		_, err = deliverAll(t.Context(), s, events(1))
		require.ErrorIs(t, err, confirm.ErrLost)
		require.ErrorIs(t, s.tracker.Dialling(), confirm.ErrLost, "nothing overtakes what was lost")
		assert.Zero(t, s.tracker.KeepOpenFor(), "there is nothing to watch any more")
	})
}

func TestALossEndsARetryWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(200, 503)
		s, _ := offlineSession(t, sink, replaying)
		post(t, s, 1)
		results := make(chan error, 1)
		go func() {
			_, err := deliverAll(t.Context(), s, events(1))
			results <- err
		}()
		<-time.After(1500 * time.Millisecond) // the bubble's clock: between two attempts
		began := time.Now()
		s.tracker.Dropped(io.EOF)
		err := <-results
		require.ErrorIs(t, err, confirm.ErrLost)
		var last *failure
		require.ErrorAs(t, err, &last, "the sink's last error is kept")
		assert.Zero(t, time.Since(began))
	})
}

func TestConfirmEndsWithItsContext(t *testing.T) {
	s, _ := offlineSession(t, always(200), replaying)
	post(t, s, 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	require.ErrorIs(t, s.Confirm(ctx), enough)
}

func TestACloseIsNoLossAndConfirmsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := offlineSession(t, always(200), replaying)
		post(t, s, 1)
		s.Close()
		s.tracker.Dropped(io.EOF)
		assert.False(t, isLost(s))
		<-time.After(time.Hour) // the bubble's clock
		assert.Zero(t, s.Confirmed(), "nobody has watched it")
	})
}
