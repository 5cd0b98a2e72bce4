package blob

import (
	"encoding/json"
	"strings"

	"aks-audit-log-go/eventhub"
)

// maxLeaseSize is the largest blob, in bytes, that is taken for a lease of the retired SDK: one
// has some 300.
const maxLeaseSize = 8 << 10

// leaseBlob is the part that matters here of what azure-event-hubs-go's event processor host
// keeps (storage/storage.go, storageLease), in a blob at the container's root that is named like
// the partition:
//
//	{"partitionID":"0","epoch":3,"owner":"…","checkpoint":{"offset":"4711","sequenceNumber":42,
//	 "enqueueTime":"2020-05-05T16:16:37Z"},"state":"leased","token":"…"}
type leaseBlob struct {
	Checkpoint struct {
		Offset   string `json:"offset"`
		Sequence *int64 `json:"sequenceNumber"`
	} `json:"checkpoint"`
}

// isPartitionID tells a blob that could be a partition's lease by its name. Event Hubs numbers
// partitions from 0.
func isPartitionID(name string) bool {
	return name != "" && len(name) <= 4 && strings.Trim(name, "0123456789") == ""
}

// leaseCheckpoint reads a lease blob. A reader that has not handled any event yet has the number
// 0 beside an offset that is no event's: "-1" for the start, "@latest" for the end.
func leaseCheckpoint(content []byte, partition string) eventhub.Checkpoint {
	checkpoint := eventhub.Checkpoint{Partition: partition, Sequence: eventhub.NoSequence, FromLease: true}
	var lease leaseBlob
	if json.Unmarshal(content, &lease) != nil || lease.Checkpoint.Sequence == nil || *lease.Checkpoint.Sequence < 0 {
		return checkpoint
	}
	switch lease.Checkpoint.Offset {
	case "", "-1", "@latest":
		return checkpoint
	}
	checkpoint.Sequence, checkpoint.Offset = *lease.Checkpoint.Sequence, lease.Checkpoint.Offset
	return checkpoint
}
