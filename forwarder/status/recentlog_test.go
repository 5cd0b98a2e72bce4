package status

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/audit"
)

// newTroubledLog returns a logger whose warnings and errors are kept.
func newTroubledLog(t *testing.T) (*logrus.Logger, *RecentLog) {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	log.SetLevel(logrus.TraceLevel)
	troubles := NewRecentLog()
	log.AddHook(troubles)
	return log, troubles
}

func TestTheLastWarningsAndErrorsAreKeptTheNewestFirst(t *testing.T) {
	log, troubles := newTroubledLog(t)
	log.Debug("posting")
	log.Info("partition starts")
	log.WithError(errors.New("503")).WithField("partition", "2").Warn("post failed")
	log.WithField("reason", errors.New("wedged")).Error("consumer does not get on")
	last := troubles.Last()
	require.Len(t, last, 2)
	assert.Equal(t, "error", last[0].Level)
	assert.Equal(t, "wedged", last[0].Cause)
	assert.Empty(t, last[0].Partitions)
	assert.Equal(t, "warning", last[1].Level)
	assert.Equal(t, "post failed", last[1].Message)
	assert.Equal(t, "503", last[1].Cause)
	assert.Equal(t, []string{"2"}, last[1].Partitions)
	assert.Equal(t, time.UTC, last[1].At.Location())
}

func TestWhatIsAlikeInManyPartitionsIsOneTrouble(t *testing.T) {
	log, troubles := newTroubledLog(t)
	began := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	log.Error("something else")
	for n := range 40 {
		log.WithTime(began.Add(time.Duration(n)*time.Second)).WithField("partition", fmt.Sprint(n%12)).Warn("cannot receive")
	}
	last := troubles.Last()
	require.Len(t, last, 2)
	assert.Equal(t, 40, last[0].Count)
	assert.Equal(t, began, last[0].First)
	assert.Equal(t, began.Add(39*time.Second), last[0].At)
	assert.Equal(t, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}, last[0].Partitions)
}

func TestTroublesAreBounded(t *testing.T) {
	log, troubles := newTroubledLog(t)
	for n := range 1000 {
		log.WithError(errors.New(strings.Repeat("x", 10_000))).Warn("number ", n)
	}
	last := troubles.Last()
	require.Len(t, last, maxTroubles)
	assert.Equal(t, "number 999", last[0].Message)
	assert.Less(t, len(last[0].Cause), 500)
}

// The log of a dead letter names who did what; the page, which has more readers, does not.
func TestATroubleNamesNoUserAndNoObject(t *testing.T) {
	log, troubles := newTroubledLog(t)
	log.WithFields(logrus.Fields{
		"partition": "0", "reason": audit.ReasonCut, "user": "jane@example.com", "resource": "secrets/vault", "detail": "detail-of-it",
	}).Warn("record stored as a dead letter")
	shown := fmt.Sprintf("%+v", troubles.Last())
	assert.Contains(t, shown, audit.ReasonCut)
	for _, hidden := range []string{"jane", "vault", "detail-of-it"} {
		assert.NotContains(t, shown, hidden)
	}
}

func TestALastListStaysAsItWas(t *testing.T) {
	log, troubles := newTroubledLog(t)
	log.WithField("partition", "3").Warn("cannot receive")
	before := troubles.Last()
	log.WithField("partition", "1").Warn("cannot receive")
	log.Error("another")
	require.Len(t, before, 1)
	assert.Equal(t, []string{"3"}, before[0].Partitions)
	assert.Equal(t, []string{"1", "3"}, troubles.Last()[1].Partitions)
}
