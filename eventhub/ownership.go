package eventhub

import "time"

// OwnershipExpiry is how long an owner keeps its partitions without a renewal: it may miss three. Azure's own
// processors use the same time, and can share the partitions with this daemon.
const OwnershipExpiry = time.Minute

// Ownership names the reader that owns a partition.
type Ownership struct {
	Partition string
	// Owner is the id of the reader, "" after it relinquished the partition.
	Owner string
	// Renewed is the time of the last write, by the clock of the store.
	Renewed time.Time
	// Version is what the store compares before it writes, "" before the first write.
	Version string
}
