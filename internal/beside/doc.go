// Package beside reads every partition of the event hub beside the daemon: it has no epoch, so that it displaces no
// reader, and it uses neither checkpoints nor ownerships nor any store.
package beside
