package eventhub

import "time"

// OwnershipExpiry is how long an owner that does not renew keeps its partitions: three missed renewals. Azure's own
// processors use the same time, and share the partitions with this daemon if both run.
const OwnershipExpiry = time.Minute

// Ownership names the reader that owns a partition.
type Ownership struct {
	// Partition is the id of the partition.
	Partition string
	// Owner is the id of the reader, "" after it relinquished the partition.
	Owner string
	// Renewed is the time of the last write, by the clock of the store.
	Renewed time.Time
	// Version is what the store compares before it writes, "" before the first write.
	Version string
}
