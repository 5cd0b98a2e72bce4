package eventhub

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// at returns a checkpoint that was written at that second of a minute.
func at(partition string, sequence int64, place string, second int) FoundCheckpoint {
	return FoundCheckpoint{
		Checkpoint: Checkpoint{Partition: partition, Sequence: sequence}, Place: place,
		Written: time.Date(2026, 1, 31, 12, 0, second, 0, time.UTC),
	}
}

func TestTheCheckpointThatWasWrittenLastCounts(t *testing.T) {
	stale := at("0", 399, "old spelling", 1)
	current := at("0", 99, "new spelling", 2)
	for _, found := range [][]FoundCheckpoint{{stale, current}, {current, stale}} {
		assert.Equal(t, []FoundCheckpoint{current}, LatestCheckpoints(found), "a further one may be of a hub that was deleted")
	}
	unreadable := at("0", NoSequence, "rubbish", 3)
	assert.Equal(t, []FoundCheckpoint{current}, LatestCheckpoints([]FoundCheckpoint{unreadable, current, unreadable}))
}

func TestOfCheckpointsThatWereWrittenTogetherTheFurtherOneCounts(t *testing.T) {
	offset := at("2", 3, "h", 0)
	offset.Offset = "300"
	withOffset := LatestCheckpoints([]FoundCheckpoint{at("2", 3, "g", 0), offset, at("2", 3, "i", 0)})
	assert.Equal(t, []FoundCheckpoint{offset}, withOffset)
	latest := LatestCheckpoints([]FoundCheckpoint{
		at("1", 4, "a", 0), at("1", 5, "b", 0), at("1", 5, "late", 0), at("0", NoSequence, "c", 0), at("0", 0, "d", 0),
		at("1", NoSequence, "e", 0), at("2", NoSequence, "f", 0),
	})
	assert.Equal(t, []FoundCheckpoint{at("1", 5, "b", 0), at("0", 0, "d", 0), at("2", NoSequence, "f", 0)}, latest)
}
