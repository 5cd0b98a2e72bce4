//go:build soak

package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

const (
	// soakVariable is the environment variable with the length of a soak.
	soakVariable = "SOAK"
	// soakEvery is the time between two hub events of about four audit events, which is 300 audit events a second.
	soakEvery = 15 * time.Millisecond
	// soakPause scales the pauses between faults. They are up to four times as long for the hub, the sink and the
	// storage, and up to twenty times as long for the replicas.
	soakPause = 5 * time.Second
)

// TestSoak causes random faults on two replicas of the released daemon, for as long as the variable says.
func TestSoak(t *testing.T) {
	lasts, err := time.ParseDuration(os.Getenv(soakVariable))
	require.NoError(t, err, "%s has to say how long, such as 30m", soakVariable)
	s := harness.NewChaos(t, 4)
	s.Load.OddShare, s.Quiet = 0.01, true
	// These are the defaults, except for the timeout: the test must have a sink that does not answer, but not wait a
	// minute for it.
	s.StartReplicas(t, harness.ReleaseBinary(t), harness.Settings{
		"CHECKPOINTINTERVAL": "", "SINKSETTLETIME": "", "POSTMAXRETRIES": "", "POSTRETRYINCREMENTALDELAY": "", "POSTTIMEOUT": "3s",
	})
	s.AddReplicaFaults(t, soakPause, true)
	end := s.ReportEachMinute(t)
	s.Run(t, lasts, soakEvery)
	end()
	s.AssertNothingLost(t)
}
