package blob

import (
	"encoding/json"
	"strings"

	"aks-audit-log-go/eventhub"
)

// maxLeaseSize is the size of the largest blob, in bytes, that is read as a lease of the retired SDK. A lease has
// about 300 bytes.
const maxLeaseSize = 8 << 10

// leaseBlob holds the fields that are read of a lease. The event processor host of azure-event-hubs-go stores a lease
// (storage/storage.go, storageLease) in a blob at the container's root. The blob's name is the partition's:
//
//	{"partitionID":"0","epoch":3,"owner":"…","checkpoint":{"offset":"4711","sequenceNumber":42,
//	 "enqueueTime":"2020-05-05T16:16:37Z"},"state":"leased","token":"…"}
type leaseBlob struct {
	Checkpoint struct {
		Offset   string `json:"offset"`
		Sequence *int64 `json:"sequenceNumber"`
	} `json:"checkpoint"`
}

// isPartitionID tells whether a blob may be a partition's lease, by its name. Event Hubs numbers partitions from 0.
func isPartitionID(name string) bool {
	return name != "" && len(name) <= 4 && strings.Trim(name, "0123456789") == ""
}

// readLease reads the checkpoint in a lease blob. A reader that has not handled any event yet stores the number 0 with
// an offset that no event has: "-1" for the start, "@latest" for the end.
func readLease(content []byte, partition string) eventhub.Checkpoint {
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
