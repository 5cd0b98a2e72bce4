// Package eventhub holds the words that the consumer, the clients and the stores share: Hub, Event, Position, Store,
// Checkpoint, Ownership, DeadLetter, Sink and Session. It imports no implementation; each one is a package below it.
//
// The contract of all of them: a checkpoint never passes a record that has no verdict, the order within a partition is
// kept, and partitions do not wait for each other. After a crash, everything after the last checkpoint is delivered
// again.
package eventhub
