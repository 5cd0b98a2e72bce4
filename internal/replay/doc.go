// Package replay sends a stretch of the hub's retention to a sink again: it reads beside the daemon (package beside),
// posts as the daemon does (package resend), and uses neither checkpoints nor ownerships nor any store.
package replay
