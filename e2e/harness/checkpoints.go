package harness

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

// The blob names are those of Azure's current SDKs: the namespace's host, the hub and the consumer group, in lower
// case.
const (
	scopePath = "127.0.0.1/" + HubName + "/$default/"
	// CheckpointPath is the folder of the checkpoints.
	CheckpointPath = scopePath + "checkpoint/"
	// OwnershipPath is the folder of the ownerships.
	OwnershipPath = scopePath + "ownership/"
	// DeadLetterPath is the folder of the dead letters.
	DeadLetterPath = scopePath + "deadletter/"
)

// CaughtUp reports whether every checkpoint is at the last hub event of its partition.
func CaughtUp(t *testing.T, hub *hubtest.Server, c Blobs) bool {
	t.Helper()
	blobs := c.Metadata(t)
	for _, partition := range hub.PartitionIDs() {
		want := strconv.FormatInt(hub.Partition(partition).LastSequence, 10)
		if blobs[CheckpointPath+partition]["sequencenumber"] != want {
			return false
		}
	}
	return true
}

// CheckpointMetadata returns the metadata of a checkpoint, as the daemon writes it, at the last hub event of a
// partition.
func CheckpointMetadata(last hubtest.PartitionInfo) map[string]string {
	return map[string]string{
		"sequencenumber": strconv.FormatInt(last.LastSequence, 10),
		"offset":         last.LastOffset,
		"enqueuedtimems": strconv.FormatInt(last.LastEnqueued.UnixMilli(), 10),
	}
}

// AssertCaughtUp checks that every checkpoint is at its partition's last hub event.
func AssertCaughtUp(t *testing.T, hub *hubtest.Server, c Blobs) {
	t.Helper()
	blobs := c.Metadata(t)
	for _, partition := range hub.PartitionIDs() {
		assert.Equal(t, CheckpointMetadata(hub.Partition(partition)), blobs[CheckpointPath+partition], "the checkpoint of partition %s", partition)
	}
}

// AssertNobodyOwns checks that all partitions were released.
func AssertNobodyOwns(t *testing.T, hub *hubtest.Server, c Blobs) {
	t.Helper()
	blobs := c.Metadata(t)
	for _, partition := range hub.PartitionIDs() {
		ownership, found := blobs[OwnershipPath+partition]
		assert.True(t, found, "an ownership blob of partition %s", partition)
		assert.Empty(t, ownership["ownerid"], "the owner of partition %s", partition)
	}
}

// DeadLetterName returns the blob name of a record's dead letter. The dead letter must exist.
func DeadLetterName(t *testing.T, c Blobs, partition string, sequence int64, record int) string {
	t.Helper()
	var names []string
	for name := range c.Metadata(t) {
		if strings.HasPrefix(name, fmt.Sprintf("%s%s/%d-%d-", DeadLetterPath, partition, sequence, record)) {
			names = append(names, name)
		}
	}
	require.Len(t, names, 1, "dead letters of record %d of hub event %d", record, sequence)
	return names[0]
}
