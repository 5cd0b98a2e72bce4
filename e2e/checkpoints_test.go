package e2e

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/internal/hubtest"
)

// The folders under which Azure's current SDKs keep their blobs: the namespace's host, the
// hub and the consumer group, in lower case.
const (
	scopePath      = "127.0.0.1/" + hubName + "/$default/"
	checkpointPath = scopePath + "checkpoint/"
	ownershipPath  = scopePath + "ownership/"
	deadLetterPath = scopePath + "deadletter/"
)

// caughtUp says whether every partition's checkpoint stands at the partition's last event.
func caughtUp(t *testing.T, hub *hubtest.Server, c container) bool {
	t.Helper()
	blobs := c.metadata(t)
	for _, partition := range hub.PartitionIDs() {
		want := strconv.FormatInt(hub.Partition(partition).LastSequence, 10)
		if blobs[checkpointPath+partition]["sequencenumber"] != want {
			return false
		}
	}
	return true
}

// assertCaughtUp checks the checkpoints whole: each partition's last event, by both its numbers.
func assertCaughtUp(t *testing.T, hub *hubtest.Server, c container) {
	t.Helper()
	blobs := c.metadata(t)
	for _, partition := range hub.PartitionIDs() {
		last := hub.Partition(partition)
		assert.Equal(t, map[string]string{
			"sequencenumber": strconv.FormatInt(last.LastSequence, 10),
			"offset":         last.LastOffset,
		}, blobs[checkpointPath+partition], "the checkpoint of partition %s", partition)
	}
}

// assertNobodyOwns checks that every ownership was given up.
func assertNobodyOwns(t *testing.T, hub *hubtest.Server, c container) {
	t.Helper()
	blobs := c.metadata(t)
	for _, partition := range hub.PartitionIDs() {
		ownership, found := blobs[ownershipPath+partition]
		assert.True(t, found, "an ownership blob of partition %s", partition)
		assert.Empty(t, ownership["ownerid"], "the owner of partition %s", partition)
	}
}

// deadLetterName is the blob that keeps a record which can never be delivered.
func deadLetterName(partition string, sequence int64, record int) string {
	return fmt.Sprintf("%s%s/%d-%d.json", deadLetterPath, partition, sequence, record)
}
