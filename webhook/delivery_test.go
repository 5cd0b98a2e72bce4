package webhook

import (
	"context"
	"errors"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
)

// seconds returns the times of POSTs since the first.
func seconds(s ...int) []time.Duration {
	var at []time.Duration
	for _, n := range s {
		at = append(at, time.Duration(n)*time.Second)
	}
	return at
}

func TestRetriesComeAfterAGrowingDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := always(503)
		f := newFixture(t, sink, drop)
		outcomes, err := f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		assert.Equal(t, seconds(0, 1, 3, 6, 10, 15), sink.at, "5 retries are 6 posts")
		assert.Equal(t, []audit.Outcome{{
			Verdict: audit.Dropped,
			Reason:  "post to http://sink.example:9765/k8s-audit: the sink answered 503 Service Unavailable",
		}}, outcomes)
		assert.Equal(t, counts{sent: 1, retried: 5, failed: 1}, f.counts())
		assert.EqualValues(t, 6, f.posts("5xx"))
	})
}

func TestARetryThatIsAcceptedEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(503, 500, 408, 200)
		f := newFixture(t, sink, nil)
		outcomes, err := f.Deliver(t.Context(), events(2))
		require.NoError(t, err)
		assert.Equal(t, delivered(2), outcomes)
		assert.Equal(t, seconds(0, 1, 3, 6, 6), sink.at)
		assert.Equal(t, counts{sent: 2, succeeded: 2, retried: 3}, f.counts())
	})
}

// A POST without an answer is handled like a 503.
func TestTransportErrorsAreRetried(t *testing.T) {
	for name, cause := range map[string]error{"refused": syscall.ECONNREFUSED, "reset": syscall.ECONNRESET, "anything": errors.New("odd")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink := &script{answer: func(n int, _ *http.Request) (*http.Response, error) {
					if n < 3 {
						return nil, cause
					}
					return saying(200)
				}}
				f := newFixture(t, sink, nil)
				outcomes, err := f.Deliver(t.Context(), events(1))
				require.NoError(t, err)
				assert.Equal(t, delivered(1), outcomes)
				assert.Equal(t, seconds(0, 1, 3, 6), sink.at)
				assert.EqualValues(t, 3, f.posts("error"))
			})
		})
	}
}

func hanging(_ int, req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestASinkThatNeverAnswersIsRetriedAfterTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &script{answer: hanging}
		f := newFixture(t, sink, func(cfg *forwarder.Config) {
			drop(cfg)
			cfg.PostTimeout = 10 * time.Second
			cfg.PostMaxRetries = 2
		})
		outcomes, err := f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		assert.Equal(t, seconds(0, 11, 23), sink.at)
		assert.Equal(t, "post to http://sink.example:9765/k8s-audit: no answer within 10s", outcomes[0].Reason)
	})
}

func TestRetryAfterIsHonouredIfItIsLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asks := []string{"30", "1", "", "4000"}
		sink := &script{answer: func(n int, _ *http.Request) (*http.Response, error) {
			switch {
			case n < len(asks):
				return saying(429, "Retry-After: "+asks[n])
			case n == len(asks):
				return saying(503, "Retry-After: "+time.Now().UTC().Add(40*time.Second).Format(http.TimeFormat))
			default:
				return saying(200)
			}
		}}
		f := newFixture(t, sink, nil)
		outcomes, err := f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		assert.Equal(t, delivered(1), outcomes)
		assert.Equal(t, seconds(0, 30, 32, 35, 335, 375), sink.at)
	})
}

func TestRetryAfterIsHonouredWhileRetryingForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asks := []string{"2", "20", "9000"}
		sink := &script{answer: func(n int, _ *http.Request) (*http.Response, error) {
			if n < len(asks) {
				return saying(503, "Retry-After: "+asks[n])
			}
			return saying(200)
		}}
		f := newFixture(t, sink, func(cfg *forwarder.Config) { cfg.PostMaxRetries = 0 })
		_, err := f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		assert.Equal(t, seconds(0, 2, 22, 322), sink.at)
	})
}

func TestAnEventWhoseSinkIsDownIsRetriedForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &script{answer: func(n int, _ *http.Request) (*http.Response, error) {
			if n < 100 {
				return nil, syscall.ECONNREFUSED
			}
			return saying(200)
		}}
		f := newFixture(t, sink, nil)
		outcomes, err := f.Deliver(t.Context(), events(3))
		require.NoError(t, err)
		assert.Equal(t, delivered(3), outcomes)
		assert.Equal(t, seconds(0, 1, 3, 6, 10, 15, 20, 25), sink.at[:8], "then at the longest delay")
		assert.Equal(t, bodies(events(3)), sink.got[100:], "in order, and nothing in between")
		for _, body := range sink.got[:100] {
			assert.Equal(t, string(event(0).JSON), body, "no event overtakes one that is retried")
		}
		assert.Equal(t, counts{sent: 3, succeeded: 3, retried: 100, failed: 1}, f.counts(), "it failed once, however long it was retried")
		assert.Zero(t, f.poster.log.held.Load())
	})
}

func TestZeroSettingsDoNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(503, 503, 503, 200)
		f := newFixture(t, sink, func(cfg *forwarder.Config) { cfg.PostMaxRetries, cfg.PostRetryDelay = 0, 0 })
		_, err := f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		assert.Equal(t, seconds(0, 1, 2, 3), sink.at)
	})
}

func TestAnEndpointThatIsSetUpWrongHoldsAtOnce(t *testing.T) {
	for _, status := range []int{302, 401, 403, 404, 405} {
		synctest.Test(t, func(t *testing.T) {
			sink := inTurn(status, status, 200)
			f := newFixture(t, sink, nil)
			outcomes, err := f.Deliver(t.Context(), events(1))
			require.NoError(t, err)
			assert.Equal(t, delivered(1), outcomes)
			assert.Equal(t, seconds(0, 5, 10), sink.at, "status %d", status)
			assert.Equal(t, counts{sent: 1, succeeded: 1, retried: 2, failed: 1}, f.counts())
		})
	}
}

func TestAWebPageHoldsLikeAWrongEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &script{}
		sink.answer = func(n int, _ *http.Request) (*http.Response, error) {
			if n < 2*maxRefusals {
				return sayingPage()
			}
			return saying(200)
		}
		f := newFixture(t, sink, func(cfg *forwarder.Config) { cfg.PostBatchMaxEvents = 3 })
		session := f.poster.OpenSession()
		defer session.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := session.Deliver(ctx, events(3))
		require.ErrorContains(t, err, "the sink answered 200 OK: that is a web page, not a webhook: look at host, port and path of WEBSINKURL")
		assert.Zero(t, session.Accepted())
		ready, why := f.health.Ready()
		assert.False(t, ready)
		assert.Contains(t, why, "that is a web page, not a webhook")
		assert.Equal(t, []string{sayWrongHeld}, f.lines(logrus.ErrorLevel))

		outcomes, err := deliverAll(t.Context(), session, events(3))
		require.NoError(t, err)
		assert.Equal(t, delivered(3), outcomes)
		assert.Len(t, sink.at, 2*maxRefusals+1)
		assert.EqualValues(t, 3, f.counts().succeeded)
		ready, _ = f.health.Ready()
		assert.True(t, ready)
	})
}

func TestAWebPageDropsLikeAWrongEndpoint(t *testing.T) {
	f := newFixture(t, &script{answer: func(int, *http.Request) (*http.Response, error) { return sayingPage() }}, drop)
	outcomes, err := f.Deliver(t.Context(), events(1))
	require.NoError(t, err)
	assert.Equal(t, audit.Dropped, outcomes[0].Verdict)
	assert.Contains(t, outcomes[0].Reason, "that is a web page, not a webhook")
	assert.Equal(t, []string{sayWrongDropped}, f.lines(logrus.ErrorLevel))
}

func TestDroppingGoesOnWithTheNextEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(404, 200, 503, 503, 200)
		f := newFixture(t, sink, func(cfg *forwarder.Config) {
			drop(cfg)
			cfg.PostMaxRetries = 1
		})
		outcomes, err := f.Deliver(t.Context(), events(4))
		require.NoError(t, err)
		var verdicts []audit.Verdict
		for _, o := range outcomes {
			verdicts = append(verdicts, o.Verdict)
		}
		assert.Equal(t, []audit.Verdict{audit.Dropped, audit.Delivered, audit.Dropped, audit.Delivered}, verdicts)
		assert.Equal(t, seconds(0, 0, 0, 1, 1), sink.at, "what no retry can repair is not retried")
		assert.Equal(t, counts{sent: 4, succeeded: 2, retried: 1, failed: 2}, f.counts())
	})
}

func TestARefusedEventIsADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(200, 400, 413, 422, 200)
		f := newFixture(t, sink, nil)
		outcomes, err := f.Deliver(t.Context(), events(5))
		require.NoError(t, err)
		assert.Equal(t, audit.Delivered, outcomes[0].Verdict)
		assert.Equal(t, audit.Outcome{
			Verdict: audit.DeadLettered,
			Reason:  "post to http://sink.example:9765/k8s-audit: the sink answered 400 Bad Request",
		}, outcomes[1])
		assert.Equal(t, audit.DeadLettered, outcomes[2].Verdict)
		assert.Equal(t, audit.DeadLettered, outcomes[3].Verdict)
		assert.Equal(t, audit.Delivered, outcomes[4].Verdict)
		assert.Equal(t, seconds(0, 0, 0, 0, 0), sink.at, "it is not tried again")
		assert.Equal(t, counts{sent: 5, succeeded: 2, failed: 3}, f.counts())
	})
}

func TestARunOfRefusalsIsHeldAsTheEndpointsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The sixth event and the empty list after it are refused twice.
		sink := inTurn(400, 400, 400, 400, 400, 400, 400, 400, 400, 200)
		f := newFixture(t, sink, nil)
		outcomes, err := f.Deliver(t.Context(), events(6))
		require.NoError(t, err)
		for _, o := range outcomes[:5] {
			assert.Equal(t, audit.DeadLettered, o.Verdict)
		}
		assert.Equal(t, audit.Delivered, outcomes[5].Verdict, "it was retried until the endpoint was right")
		assert.Equal(t, seconds(0, 0, 0, 0, 0, 0, 0, 5, 5, 10), sink.at)
	})
}

func TestAnEndpointThatComesRightRightAfterItRefusedAHeldEventGetsItOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(400, 400, 400, 400, 400, 400, 400, 400, 200)
		f := newFixture(t, sink, nil)
		outcomes, err := f.Deliver(t.Context(), events(6))
		require.NoError(t, err)
		assert.Equal(t, audit.Delivered, outcomes[5].Verdict)
		assert.Equal(t, seconds(0, 0, 0, 0, 0, 0, 0, 5, 5, 5), sink.at, "held, refused, then the empty list is accepted")
	})
}

func TestAnAcceptedEventOfAnotherPartitionEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &script{answer: func(_ int, req *http.Request) (*http.Response, error) {
			if req.ContentLength == int64(len(event(100).JSON)) {
				return saying(200)
			}
			return saying(400)
		}}
		f := newFixture(t, sink, nil)
		first, err := f.Deliver(t.Context(), events(5))
		require.NoError(t, err)
		assert.Len(t, first, 5)
		retried := make(chan []audit.Outcome)
		go func() {
			outcomes, _ := f.Deliver(t.Context(), events(1))
			retried <- outcomes
		}()
		synctest.Wait()
		ready, why := f.health.Ready()
		assert.False(t, ready)
		assert.Contains(t, why, "5 others in a row")
		good, err := f.Deliver(t.Context(), []audit.Event{event(100)})
		require.NoError(t, err)
		assert.Equal(t, delivered(1), good)
		assert.Equal(t, audit.DeadLettered, (<-retried)[0].Verdict, "the endpoint is right, so the event is bad")
		assert.EqualValues(t, 6, f.counts().failed)
	})
}

func TestDroppingDropsARunOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, always(400), drop)
		outcomes, err := f.Deliver(t.Context(), events(7))
		require.NoError(t, err)
		assert.Equal(t, audit.DeadLettered, outcomes[4].Verdict)
		assert.Equal(t, audit.Dropped, outcomes[5].Verdict)
		assert.Equal(t, audit.Dropped, outcomes[6].Verdict)
		assert.EqualValues(t, 7, f.counts().failed)
	})
}

// An event is still retried forever when the reason changes: its limited retries do not start again.
func TestAnEventIsRetriedForeverWhateverTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(404, 503, 503, 404, 200)
		f := newFixture(t, sink, nil)
		_, err := f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		assert.Equal(t, seconds(0, 5, 10, 15, 20), sink.at)
		assert.EqualValues(t, 1, f.counts().failed)
	})
}

func TestPartitionsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &script{answer: func(_ int, req *http.Request) (*http.Response, error) {
			if req.ContentLength == int64(len(event(100).JSON)) {
				return saying(200)
			}
			return saying(503)
		}}
		f := newFixture(t, sink, nil)
		ctx, cancel := context.WithCancel(t.Context())
		stuck := make(chan error)
		go func() {
			_, err := f.Deliver(ctx, events(1))
			stuck <- err
		}()
		start := time.Now()
		for range 100 {
			_, err := f.Deliver(ctx, []audit.Event{event(100)})
			require.NoError(t, err)
		}
		assert.Zero(t, time.Since(start))
		cancel()
		require.ErrorIs(t, <-stuck, context.Canceled)
	})
}

func TestReadinessFollowsTheLastPost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := inTurn(200, 503, 200)
		f := newFixture(t, sink, nil)
		_, err := f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		ready, _ := f.health.Ready()
		assert.True(t, ready)
		done := make(chan error)
		go func() {
			_, err := f.Deliver(t.Context(), events(1))
			done <- err
		}()
		synctest.Wait()
		ready, why := f.health.Ready()
		assert.False(t, ready, "after the first POST that failed")
		assert.Contains(t, why, "the sink answered 503 Service Unavailable")
		require.NoError(t, <-done)
		ready, _ = f.health.Ready()
		assert.True(t, ready)
	})
}
