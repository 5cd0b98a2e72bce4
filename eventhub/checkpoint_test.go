package eventhub

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAFurtherCheckpointWinsWhereverItStands(t *testing.T) {
	at := func(partition string, sequence int64, place string) FoundCheckpoint {
		return FoundCheckpoint{Checkpoint: Checkpoint{Partition: partition, Sequence: sequence}, Place: place}
	}
	offset := at("2", 3, "h")
	offset.Offset = "300"
	withOffset := FurthestCheckpoints([]FoundCheckpoint{at("2", 3, "g"), offset, at("2", 3, "i")})
	assert.Equal(t, []FoundCheckpoint{offset}, withOffset)
	furthest := FurthestCheckpoints([]FoundCheckpoint{
		at("1", 4, "a"), at("1", 5, "b"), at("1", 5, "late"), at("0", NoSequence, "c"), at("0", 0, "d"),
		at("1", NoSequence, "e"), at("2", NoSequence, "f"),
	})
	assert.Equal(t, []FoundCheckpoint{at("1", 5, "b"), at("0", 0, "d"), at("2", NoSequence, "f")}, furthest)
}
