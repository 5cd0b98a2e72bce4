//go:build torture

package e2e

import (
	"time"
)

// These are the full lengths. See rounds_test.go.
const (
	killRounds     = 200
	blobKillRounds = 50
	stopRounds     = 50
	handoverRounds = 50
	rollingRounds  = 5
	freeze         = 2 * time.Minute
	chaosTime      = 5 * time.Minute
	chaosPause     = 4 * time.Second
	chaosKills     = true
	killBacklog    = 500_000
	backlogKills   = 5
	repeatsOfKill  = 5000
	cutStep        = 1
)
