package partition

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestAPartitionStartsWhereItsCheckpointOrTheOperatorSays(t *testing.T) {
	earliest := forwarder.StartPosition{Kind: forwarder.StartEarliest}
	latest := forwarder.StartPosition{Kind: forwarder.StartLatest}
	at := func(afterNoon time.Duration) forwarder.StartPosition {
		return forwarder.StartPosition{Kind: forwarder.StartAtTime, Time: eventhubtest.Noon.Add(afterNoon)}
	}
	before, after4 := at(-time.Hour), at(4*time.Second+time.Millisecond)
	stored := func(sequence int64, offset string) *eventhub.Checkpoint {
		return &eventhub.Checkpoint{Partition: "0", Sequence: sequence, Offset: offset}
	}
	known := func(sequence int64, offset string, afterNoon time.Duration) *eventhub.Checkpoint {
		checkpoint := stored(sequence, offset)
		checkpoint.Enqueued = eventhubtest.Noon.Add(afterNoon)
		return checkpoint
	}
	lease := &eventhub.Checkpoint{Partition: "0", Sequence: 3, Offset: "300", FromLease: true}
	// The partition holds the events 0 to 9, enqueued one a second from noon on.
	for name, test := range map[string]struct {
		stored     *eventhub.Checkpoint
		wanted     forwarder.StartPosition
		first      int64
		want       eventhub.Position
		checkpoint bool
		unexpected bool
	}{
		"no checkpoint, earliest":                {nil, earliest, 0, eventhub.Position{Sequence: -1}, false, false},
		"no checkpoint, latest":                  {nil, latest, 0, eventhub.Position{Sequence: 9, Offset: "900", Enqueued: eventhubtest.Noon.Add(9 * time.Second)}, true, false},
		"no checkpoint, a time":                  {nil, after4, 0, eventhub.Position{Sequence: 4, Since: after4.Time}, true, false},
		"no checkpoint, a time before all":       {nil, before, 0, eventhub.Position{Sequence: -1, Since: before.Time}, true, false},
		"no checkpoint, a time after all":        {nil, at(time.Hour), 0, eventhub.Position{Sequence: 9, Offset: "900", Enqueued: eventhubtest.Noon.Add(9 * time.Second)}, true, false},
		"a checkpoint, whatever is wanted":       {stored(3, "300"), latest, 0, eventhub.Position{Sequence: 3, Offset: "300"}, false, false},
		"a lease, and no checkpoint":             {lease, latest, 0, eventhub.Position{Sequence: 3, Offset: "300"}, false, true},
		"a checkpoint without an offset":         {stored(3, ""), earliest, 0, eventhub.Position{Sequence: 3}, false, false},
		"a checkpoint at the end gets an offset": {stored(9, ""), earliest, 0, eventhub.Position{Sequence: 9, Offset: "900", Enqueued: eventhubtest.Noon.Add(9 * time.Second)}, false, false},
		"a checkpoint that names no event":       {stored(eventhub.NoSequence, ""), latest, 0, eventhub.Position{Sequence: -1}, false, false},
		"a checkpoint beyond the end":            {stored(10, "1000"), latest, 0, eventhub.Position{Sequence: -1}, false, true},
		"a checkpoint that retention overtook":   {stored(3, "300"), latest, 6, eventhub.Position{Sequence: 3}, false, true},
		"a checkpoint of an event that is known": {known(3, "300", 3*time.Second), earliest, 0, known(3, "300", 3*time.Second).Position(), false, false},
		"a known event that retention overtook":  {known(3, "300", 3*time.Second), earliest, 6, known(3, "", 3*time.Second).Position(), false, true},
		"a known event beyond the end":           {known(99, "9900", 3*time.Second), earliest, 0, known(99, "9900", 3*time.Second).Position(), false, true},
		"a known event before a newer last one":  {known(9, "900", 3*time.Second), earliest, 0, known(9, "900", 3*time.Second).Position(), false, true},
		"a checkpoint right before the oldest":   {stored(5, "500"), latest, 6, eventhub.Position{Sequence: 5, Offset: "500"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			hub := eventhubtest.NewHub(1)
			hub.Append("0", eventhubtest.OneEach("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")...)
			hub.RemoveBefore("0", test.first)
			got, err := findStart(t.Context(), hub, "0", test.stored, test.wanted)
			require.NoError(t, err)
			assert.Equal(t, test.want, got.Position)
			assert.Equal(t, test.checkpoint, got.record)
			assert.Equal(t, test.unexpected, got.unexpected)
			assert.NotEmpty(t, got.reason)
		})
	}
}

// A second "latest" after a restart must not skip what arrived since the first claim.
func TestLatestIsDecidedOnceEvenInAnEmptyPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(2)
		b.Cfg.StartPosition = forwarder.StartPosition{Kind: forwarder.StartLatest}
		b.Hub.Append("1", eventhubtest.OneEach("old")...)
		stop := startPartitions(t, b)
		synctest.Wait()
		stop()
		b.Hub.Append("0", eventhubtest.OneEach("first")...)
		b.Hub.Append("1", eventhubtest.OneEach("second")...)
		stop = startPartitions(t, b)
		assert.ElementsMatch(t, []string{"first", "second"}, b.Sink.Await(2))
		stop()
	})
}

func TestNothingIsReadBeforeTheStartIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Cfg.StartPosition = forwarder.StartPosition{Kind: forwarder.StartAtTime, Time: eventhubtest.Noon.Add(time.Millisecond)}
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
		stop := startPartitions(t, b)
		b.Sink.Await(2)
		time.Sleep(time.Minute)
		stop()
		assert.Equal(t, []string{"b", "c"}, b.Sink.AuditIDs())
		assert.Equal(t, 3, b.Store.CheckpointWrites(), "the start, then what was read, and that once more at the end, in case it was deleted")
	})
}

func TestAHubThatCannotBeAskedGivesNoStart(t *testing.T) {
	hub := eventhubtest.NewHub(1)
	hub.SetUnreachable(errors.New("no such host"))
	_, err := findStart(t.Context(), hub, "0", nil, forwarder.StartPosition{})
	require.ErrorContains(t, err, "no such host")
}

func TestATimeWhoseEventDoesNotComeIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := startAtTime(t.Context(), eventhubtest.NewHub(1), "0", eventhubtest.Noon)
		require.ErrorIs(t, err, errNoEventSince)
	})
}
