package webhook

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
)

// The log messages, as operators search for them.
const (
	sayRetry         = "post failed, trying again"
	sayHeld          = "retries used up, holding the audit event until the sink takes it"
	sayStillHeld     = "still holding audit events until the sink takes them"
	sayWrongHeld     = "sink endpoint seems to be configured wrong: holding the audit event until the sink accepts it; check WEBSINKURL"
	sayDropped       = "retries used up: audit event dropped, Falco never sees it"
	sayWrongDropped  = "sink endpoint seems to be configured wrong: audit event dropped; check WEBSINKURL"
	sayAnswersAgain  = "sink answers again"
	sayPosting       = "posting audit event"
	sayAccepted      = "sink accepted audit event"
	sayNotAccepted   = "sink did not accept audit event"
	secondsOfOutages = 3600
)

func TestEachStepOfAnEventIsInTheDebugLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inTurn(503, 200), nil)
		_, err := f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		assert.Equal(t, []string{sayPosting, sayNotAccepted, sayPosting, sayAccepted}, f.lines(logrus.DebugLevel))
		last := f.logs.AllEntries()[4]
		assert.Equal(t, logrus.Fields{
			"partition": "0", "sequence": int64(0), "record": 0, "audit_id": "id-0",
			"attempt": 2, "status": 200, "duration": time.Duration(0),
		}, last.Data)
	})
}

func TestOneFailureIsOneWarningAndOneRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inTurn(503, 503, 503, 200), nil)
		_, err := f.Deliver(t.Context(), events(2))
		require.NoError(t, err)
		assert.Equal(t, []string{sayRetry}, f.lines(logrus.WarnLevel))
		assert.Equal(t, []string{sayAnswersAgain}, f.lines(logrus.InfoLevel))
		assert.Empty(t, f.lines(logrus.ErrorLevel))
		for _, entry := range f.logs.AllEntries() {
			switch entry.Message {
			case sayRetry:
				assert.Equal(t, 503, entry.Data["status"])
				assert.Equal(t, 1, entry.Data["attempt"])
				assert.Equal(t, time.Second, entry.Data["delay"])
				assert.ErrorContains(t, entry.Data["error"].(error), "the sink answered 503")
			case sayAnswersAgain:
				assert.Equal(t, 6*time.Second, entry.Data["duration"])
			}
		}
	})
}

func TestAnErrorThatChangesIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inTurn(503, 500, 500, 502, 200), nil)
		_, err := f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		assert.Equal(t, []string{sayRetry, sayRetry, sayRetry}, f.lines(logrus.WarnLevel))
	})
}

func TestTheLogSaysWhatFollowsUsedUpRetries(t *testing.T) {
	for _, test := range []struct {
		status int
		policy forwarder.FailurePolicy
		want   string
	}{
		{503, forwarder.FailureHold, sayHeld},
		{503, forwarder.FailureDrop, sayDropped},
		{404, forwarder.FailureHold, sayWrongHeld},
		{404, forwarder.FailureDrop, sayWrongDropped},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, always(test.status), func(cfg *forwarder.Config) { cfg.FailurePolicy = test.policy })
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			_, err := f.Deliver(ctx, events(1))
			assert.Equal(t, test.policy == forwarder.FailureDrop, err == nil)
			assert.Equal(t, []string{test.want}, f.lines(logrus.ErrorLevel))
		})
	}
}

func TestRetryingForeverIsLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, always(503), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+20*time.Second)
		defer cancel()
		_, err := f.Deliver(ctx, events(1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, []string{sayHeld}, f.lines(logrus.ErrorLevel))
		warnings := f.lines(logrus.WarnLevel)
		require.Len(t, warnings, 11, "the first failure, and ten minutes")
		for _, line := range warnings[1:] {
			assert.Equal(t, sayStillHeld, line)
		}
		last := f.logs.AllEntries()
		for i := len(last) - 1; ; i-- {
			if last[i].Message == sayStillHeld {
				assert.EqualValues(t, 1, last[i].Data["held"])
				assert.Equal(t, 11, last[i].Data["repeated"], "every 5 s, but not each was logged")
				break
			}
		}
	})
}

func TestManyPartitionsRetryingForeverKeepTheLogReadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, always(503), nil)
		ctx, cancel := context.WithTimeout(t.Context(), secondsOfOutages*time.Second)
		defer cancel()
		var partitions sync.WaitGroup
		for n := range 32 {
			partitions.Go(func() {
				e := event(n)
				e.Partition = fmt.Sprint(n)
				_, err := f.Deliver(ctx, []audit.Event{e})
				assert.ErrorIs(t, err, context.DeadlineExceeded)
			})
		}
		partitions.Wait()
		assert.Equal(t, []string{sayHeld}, f.lines(logrus.ErrorLevel))
		assert.Len(t, f.lines(logrus.WarnLevel), 1+59, "32 partitions say no more than one does")
		assert.EqualValues(t, 32, f.counts().failed, "each is counted all the same")
	})
}

func TestDroppingManyKeepsTheLogReadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, always(404), drop)
		_, err := f.Deliver(t.Context(), events(10_000))
		require.NoError(t, err)
		assert.Equal(t, []string{sayWrongDropped}, f.lines(logrus.ErrorLevel))
		<-time.After(time.Minute) // the bubble's clock
		_, err = f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		entries := f.logs.AllEntries()
		assert.Equal(t, 9_999, entries[len(entries)-1].Data["repeated"])
	})
}

func TestASinkThatFlapsKeepsTheLogReadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &script{answer: func(n int, _ *http.Request) (*http.Response, error) {
			return saying([]int{503, 200}[n%2])
		}}
		f := newFixture(t, sink, nil)
		_, err := f.Deliver(t.Context(), events(100)) // 100 s, with a failure in each
		require.NoError(t, err)
		assert.Len(t, f.lines(logrus.WarnLevel), 10)
		assert.Len(t, f.lines(logrus.InfoLevel), 10, "there is a recovery for each that was logged")
	})
}

func TestAnOutageAfterAnotherIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inTurn(404, 200, 404, 200), nil)
		_, err := f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		<-time.After(11 * time.Second) // the bubble's clock
		_, err = f.Deliver(t.Context(), events(1))
		require.NoError(t, err)
		assert.Equal(t, []string{sayWrongHeld, sayWrongHeld}, f.lines(logrus.ErrorLevel))
		assert.Equal(t, []string{sayAnswersAgain, sayAnswersAgain}, f.lines(logrus.InfoLevel))
	})
}

func TestASuccessIsNotLogged(t *testing.T) {
	f := newFixture(t, always(200), nil)
	_, err := f.Deliver(t.Context(), events(10))
	require.NoError(t, err)
	assert.Empty(t, f.lines(logrus.InfoLevel))
}

func TestNoAuditEventIsInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, inTurn(503, 400, 200), nil)
		secret := event(1)
		secret.JSON = []byte(`{"requestObject":{"data":{"password":"aHVudGVyMg=="}}}`)
		_, err := f.Deliver(t.Context(), []audit.Event{secret, secret})
		require.NoError(t, err)
		assert.NotEmpty(t, f.everything())
		assert.False(t, strings.Contains(f.everything(), "aHVudGVyMg"))
	})
}
