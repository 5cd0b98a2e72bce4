// Package beside reads every partition of the event hub while the daemon may read it too. It displaces no reader,
// because it opens partitions without an epoch. It uses no checkpoints, no ownerships and no store.
package beside
