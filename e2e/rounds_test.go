//go:build !torture

package e2e

import "time"

// These are the lengths of the repeated tests. With the build tag torture they are the full ones.
const (
	killRounds     = 5
	blobKillRounds = 3
	stopRounds     = 3
	handoverRounds = 3
	rollingRounds  = 1
	// freeze is the shortest time for which a replica is frozen. It is longer until the other one has taken over.
	freeze = 0 * time.Second
	// chaosTime is how long random faults last.
	chaosTime = 20 * time.Second
	// chaosPause scales the pauses between the faults: they are up to so many times as long.
	chaosPause = time.Second
	// chaosKills says whether replicas that share blobs are killed too. The partitions of a killed one stay its own
	// for a minute.
	chaosKills = false
	// killBacklog is the backlog in which a daemon is killed, in audit events, and backlogKills how often that happens.
	killBacklog, backlogKills = 90_000, 2
	// repeatsOfKill is how many audit events a kill may repeat in the mean: what a Falco of 9,000 a second has of the
	// last slices of the partitions (see package webhook/turn), and what is not confirmed. A daemon that lives for
	// three seconds, as here, has written few checkpoints; one that confirms by connection and writes once in
	// CHECKPOINTINTERVAL repeats all that it has sent: 30,000.
	repeatsOfKill = 10_000
	// cutStep is the step from one cut of an audit event to the next, in bytes.
	cutStep = 31
)
