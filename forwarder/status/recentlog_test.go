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

func newLogger(t *testing.T) (*logrus.Logger, *RecentLog) {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	log.SetLevel(logrus.TraceLevel)
	recent := NewRecentLog()
	log.AddHook(recent)
	return log, recent
}

func TestTheRecentLogHasTheNewestWarningOrErrorFirst(t *testing.T) {
	log, recent := newLogger(t)
	log.Debug("posting")
	log.Info("partition starts")
	log.WithError(errors.New("503")).WithField("partition", "2").Warn("post failed")
	log.WithField("reason", errors.New("wedged")).Error("consumer makes no progress")
	entries := recent.Entries()
	require.Len(t, entries, 2)
	assert.Equal(t, "error", entries[0].Level)
	assert.Equal(t, "wedged", entries[0].Cause)
	assert.Empty(t, entries[0].Partitions)
	assert.Equal(t, "warn", entries[1].Level)
	assert.Equal(t, "post failed", entries[1].Message)
	assert.Equal(t, "503", entries[1].Cause)
	assert.Equal(t, []string{"2"}, entries[1].Partitions)
	assert.Equal(t, time.UTC, entries[1].At.Location())
}

func TestEntriesThatDifferOnlyInThePartitionBecomeOne(t *testing.T) {
	log, recent := newLogger(t)
	began := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	log.Error("something else")
	for n := range 40 {
		log.WithTime(began.Add(time.Duration(n)*time.Second)).WithField("partition", fmt.Sprint(n%12)).Warn("cannot receive")
	}
	entries := recent.Entries()
	require.Len(t, entries, 2)
	assert.Equal(t, 40, entries[0].Count)
	assert.Equal(t, began, entries[0].First)
	assert.Equal(t, began.Add(39*time.Second), entries[0].At)
	assert.Equal(t, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}, entries[0].Partitions)
}

func TestTheRecentLogIsBounded(t *testing.T) {
	log, recent := newLogger(t)
	for n := range 1000 {
		log.WithError(errors.New(strings.Repeat("x", 10_000))).Warn("number ", n)
	}
	entries := recent.Entries()
	require.Len(t, entries, maxEntries)
	assert.Equal(t, "number 999", entries[0].Message)
	assert.Less(t, len(entries[0].Cause), 500)
}

// TestTheRecentLogNamesNoUserAndNoObject logs a dead letter. The log says who did what, but the page has more readers.
func TestTheRecentLogNamesNoUserAndNoObject(t *testing.T) {
	log, recent := newLogger(t)
	log.WithFields(logrus.Fields{
		"partition": "0", "reason": audit.ReasonCut, "user": "jane@example.com", "resource": "secrets/vault", "detail": "detail-of-it",
	}).Warn("record cannot be delivered: stored as a dead letter")
	shown := fmt.Sprintf("%+v", recent.Entries())
	assert.Contains(t, shown, audit.ReasonCut)
	for _, hidden := range []string{"jane", "vault", "detail-of-it"} {
		assert.NotContains(t, shown, hidden)
	}
}

func TestEntriesThatWereReturnedDoNotChange(t *testing.T) {
	log, recent := newLogger(t)
	log.WithField("partition", "3").Warn("cannot receive")
	before := recent.Entries()
	log.WithField("partition", "1").Warn("cannot receive")
	log.Error("another")
	require.Len(t, before, 1)
	assert.Equal(t, []string{"3"}, before[0].Partitions)
	assert.Equal(t, []string{"1", "3"}, recent.Entries()[1].Partitions)
}
