package eventhub

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

func TestAPartitionStartsWhereItsCheckpointOrTheOperatorSays(t *testing.T) {
	earliest := forwarder.StartPosition{Kind: forwarder.StartEarliest}
	latest := forwarder.StartPosition{Kind: forwarder.StartLatest}
	at := func(after time.Duration) forwarder.StartPosition {
		return forwarder.StartPosition{Kind: forwarder.StartAtTime, Time: noon.Add(after)}
	}
	at4 := noon.Add(4*time.Second + time.Millisecond)
	stored := func(sequence int64, offset string) *Checkpoint {
		return &Checkpoint{Partition: "0", Sequence: sequence, Offset: offset}
	}
	lease := &Checkpoint{Partition: "0", Sequence: 3, Offset: "300", fromLease: true}
	// The partition holds the events 0 to 9, enqueued at noon and each second after.
	for name, test := range map[string]struct {
		stored     *Checkpoint
		wanted     forwarder.StartPosition
		first      int64
		want       Position
		checkpoint bool
		surprising bool
	}{
		"no checkpoint, earliest":                {nil, earliest, 0, Position{Sequence: -1}, false, false},
		"no checkpoint, latest":                  {nil, latest, 0, Position{Sequence: 9, Offset: "900"}, true, false},
		"no checkpoint, a time":                  {nil, at(4*time.Second + time.Millisecond), 0, Position{Sequence: 4, Since: at4}, true, false},
		"no checkpoint, a time before all":       {nil, at(-time.Hour), 0, Position{Sequence: -1, Since: noon.Add(-time.Hour)}, true, false},
		"no checkpoint, a time behind all":       {nil, at(time.Hour), 0, Position{Sequence: 9, Offset: "900"}, true, false},
		"a checkpoint, whatever is wanted":       {stored(3, "300"), latest, 0, Position{Sequence: 3, Offset: "300"}, false, false},
		"a lease, and no checkpoint":             {lease, latest, 0, Position{Sequence: 3, Offset: "300"}, false, true},
		"a checkpoint without an offset":         {stored(3, ""), earliest, 0, Position{Sequence: 3}, false, false},
		"a checkpoint at the end gets an offset": {stored(9, ""), earliest, 0, Position{Sequence: 9, Offset: "900"}, false, false},
		"a checkpoint that names no event":       {stored(noSequence, ""), latest, 0, Position{Sequence: -1}, false, false},
		"a checkpoint beyond the end":            {stored(10, "1000"), latest, 0, Position{Sequence: -1}, false, true},
		"a checkpoint that retention overtook":   {stored(3, "300"), latest, 6, Position{Sequence: 3}, false, true},
		"a checkpoint right before the oldest":   {stored(5, "500"), latest, 6, Position{Sequence: 5, Offset: "500"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			hub := newMemoryHub(1)
			hub.append("0", oneEach("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")...)
			hub.first["0"] = test.first
			got, err := findStart(t.Context(), hub, "0", test.stored, test.wanted)
			require.NoError(t, err)
			assert.Equal(t, test.want, got.position)
			assert.Equal(t, test.checkpoint, got.checkpoint)
			assert.Equal(t, test.surprising, got.surprising)
			assert.NotEmpty(t, got.reason)
		})
	}
}

// What comes in between the first claim and a restart must not be skipped by a second "latest".
func TestLatestIsDecidedOnceEvenInAnEmptyPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2)
		b.cfg.StartPosition = forwarder.StartPosition{Kind: forwarder.StartLatest}
		b.hub.append("1", oneEach("old")...)
		stop := b.start(t)
		synctest.Wait()
		stop()
		b.hub.append("0", oneEach("first")...)
		b.hub.append("1", oneEach("second")...)
		stop = b.start(t)
		assert.ElementsMatch(t, []string{"first", "second"}, b.sink.await(2))
		stop()
	})
}

func TestNothingIsReadBeforeTheStartIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.cfg.StartPosition = forwarder.StartPosition{Kind: forwarder.StartAtTime, Time: noon.Add(time.Millisecond)}
		b.hub.append("0", oneEach("a", "b", "c")...)
		stop := b.start(t)
		b.sink.await(2)
		time.Sleep(time.Minute)
		stop()
		assert.Equal(t, []string{"b", "c"}, b.sink.all())
		assert.Equal(t, 2, b.store.written(), "the start, then what was read")
	})
}

func TestAHubThatCannotBeAskedGivesNoStart(t *testing.T) {
	hub := newMemoryHub(1)
	hub.setUnreachable(errors.New("no such host"))
	_, err := findStart(t.Context(), hub, "0", nil, forwarder.StartPosition{})
	require.ErrorContains(t, err, "no such host")
}

func TestATimeWhoseEventDoesNotComeIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := startAtTime(t.Context(), newMemoryHub(1), "0", noon)
		require.ErrorIs(t, err, errNoEventSince)
	})
}
