//go:build !torture

package e2e

import "time"

// How often what repeats is done; with the build tag torture, the full counts.
const (
	killRounds     = 5
	blobKillRounds = 3
	stopRounds     = 3
	handoverRounds = 3
	rollingRounds  = 1
	// freeze is the least time for which a replica is frozen; it is longer if the other one has not
	// taken over by then.
	freeze = 0 * time.Second
	// chaosTime is how long random faults last.
	chaosTime = 20 * time.Second
	// chaosPause makes the pauses between them: they are up to so many times as long.
	chaosPause = time.Second
	// chaosKills says whether replicas that share blobs are killed in them too: the partitions of such a
	// one stay its own for a minute.
	chaosKills = false
	// cutStep is the step from one cut of an audit event to the next, in bytes.
	cutStep = 31
)
