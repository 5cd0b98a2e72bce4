// Package eventhub declares what the consumer, the clients and the stores share: Hub, Event, Position, Store,
// Checkpoint, Ownership, DeadLetter, Sink and Session. The packages below it implement them; it imports none.
//
// All of them keep this contract: a checkpoint never passes a record without a verdict. The order within a partition
// is kept. Partitions do not wait for each other. After a crash, everything after the last checkpoint is delivered
// again.
package eventhub
