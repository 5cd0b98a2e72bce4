// Package consumer decides which partitions this replica owns, and runs them.
//
// Replicas share the partitions of a consumer group through the ownerships in the store.
package consumer
