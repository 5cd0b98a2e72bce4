//go:build !torture

package e2e

import "time"

// These are the lengths of the repeated tests. With the build tag torture, they have their full lengths.
const (
	killRounds     = 5
	blobKillRounds = 3
	stopRounds     = 3
	handoverRounds = 3
	rollingRounds  = 1
	// freeze is the shortest time for which a replica is frozen. The replica stays frozen until the other one has
	// taken over.
	freeze = 0 * time.Second
	// chaosTime is for how long random faults occur.
	chaosTime = 20 * time.Second
	// chaosPause scales the pauses between faults, which are at most a multiple of it.
	chaosPause = time.Second
	// chaosKills says whether replicas that share blobs are also killed. A killed one keeps its partitions for a
	// minute.
	chaosKills = false
	// killBacklog is the backlog in which a daemon is killed, in audit events. backlogKills is how many times it is
	// killed.
	killBacklog, backlogKills = 90_000, 2
	// repeatsOfKill is how many audit events a kill may repeat on average. These are the events that a Falco of 9,000
	// a second has of the last slices of the partitions (see package webhook/turn), and those that are not confirmed.
	// A daemon that runs for three seconds, as here, has written few checkpoints. One that confirms by connection and
	// writes once in CHECKPOINTINTERVAL repeats all that it has sent, which is 30,000.
	repeatsOfKill = 10_000
	// cutStep is the step from one cut of an audit event to the next, in bytes.
	cutStep = 31
)
