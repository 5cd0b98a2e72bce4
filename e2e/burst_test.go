package e2e

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// A burst of 15,004 audit events fits in Falco's queue. Falco answers all of it at once, needs 20 seconds to process
// it, and ends after 8 seconds.
const (
	burstHubEvents, burstRecords = 682, 22 // AKS puts about 22 records into a hub event
	burstPace                    = time.Second / 700
	usedOfBurst                  = 8 * 700
)

// quickPace is how long Falco takes for an audit event if it has a core to itself.
const quickPace = time.Second / 9000

// It runs before all parallel tests. Beside them, the answers are slow, the batches stay small, and the queue has
// little in it.
func TestABurstInTheQueueOfAFalcoThatEndsIsNotLost(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *harness.FalcoProcesses, *harness.FalcoProcess, string){
		"it is stopped and started": func(t *testing.T, f *harness.FalcoProcesses, falco *harness.FalcoProcess, address string) {
			require.NoError(t, falco.Signal(syscall.SIGTERM))
			f.Pace = quickPace
			f.Start(t, address)
		},
		"it reads its configuration again": func(t *testing.T, _ *harness.FalcoProcesses, falco *harness.FalcoProcess, _ string) {
			falco.Reload(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, f, address := harness.StartHub(t, 1), &harness.FalcoProcesses{Pace: burstPace}, harness.FreeAddress(t)
			fed, dir := harness.NewFeed(hub), t.TempDir()
			fed.Add(t, burstHubEvents, burstRecords)
			falco := f.Start(t, address)
			// The intervals are the defaults. The race detector would make the answers seem slow, and the batches
			// small.
			d := harness.RunDaemon(t, harness.ReleaseBinary(t), harness.HubSettings(t, hub, falco.URL).With(harness.Settings{
				"CHECKPOINTDIR": dir, "SINKSETTLETIME": "", "SHUTDOWNTIMEOUT": "", "LOGLEVEL": "",
			}))
			f.AwaitUsedByLast(t, usedOfBurst)
			end(t, f, falco, address)
			harness.StateInFolder(dir).AwaitCaughtUp(t, hub)
			f.Flush(t)
			d.Stop(t)
			fed.AssertNoneLost(t, f.Used(t))
		})
	}
}
