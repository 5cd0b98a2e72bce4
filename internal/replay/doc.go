// Package replay sends hub events of a time to a sink again, as long as the hub retains them. It reads with package
// beside, and posts with package resend. It uses no checkpoints, no ownerships and no store.
package replay
