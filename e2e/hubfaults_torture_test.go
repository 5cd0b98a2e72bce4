//go:build torture

package e2e

import (
	"testing"
	"time"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// These tests run the hub's faults at full length, which is longer than ten retries of the SDKs.

func TestTheHubDropsAllConnectionsEveryFewSecondsForAMinute(t *testing.T) {
	t.Parallel()
	assertRecoversFrom(t, 200*time.Millisecond, hubFault{strike: dropConnections(20)})
}

func TestFaultsOfTheHubThatLastForMinutesAreGotOver(t *testing.T) {
	t.Parallel()
	const long = 2 * time.Minute
	for name, fault := range map[string]func(hub *hubtest.Server, on bool){
		"attaches are refused": func(hub *hubtest.Server, on bool) {
			if !on {
				hub.RefuseAttaches("")
				return
			}
			hub.RefuseAttaches("com.microsoft:server-busy")
			hub.Detach("", "com.microsoft:server-busy", "The service is busy.")
		},
		"connections are refused": func(hub *hubtest.Server, on bool) { hub.RefuseConnections(on); hub.DropConnections() },
		"tokens are refused":      func(hub *hubtest.Server, on bool) { hub.RefuseTokens(on); hub.ExpireClaims() },
		"$cbs is silent":          func(hub *hubtest.Server, on bool) { hub.SilenceCBS(on); hub.DropConnections() },
		"the hub is silent":       func(hub *hubtest.Server, on bool) { hub.GoSilent(on) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assertRecoversFrom(t, 500*time.Millisecond, hubFault{strike: func(_ *testing.T, hub *hubtest.Server, _ *harness.Daemon) {
				fault(hub, true)
				<-time.After(long) // the length is the point
				fault(hub, false)
			}})
		})
	}
}
