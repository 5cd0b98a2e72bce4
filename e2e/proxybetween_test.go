package e2e

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// A sidecar of a mesh keeps the daemon's connection while Falco's container ends and starts again. Only requests that
// arrive meanwhile are told that Falco is away.
func TestAFalcoThatIsAwayBehindAProxyLosesNothing(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *endingFalco){
		"between two requests": func(t *testing.T, e *endingFalco) {
			e.feedFirst(t)
			require.NoError(t, e.old.Signal(os.Kill))
			e.feed(t, endingThen)
		},
		"with a request in flight": func(t *testing.T, e *endingFalco) {
			e.feed(t, endingFirst+endingThen)
			e.f.AwaitUsedByLast(t, muchOf)
			require.NoError(t, e.old.Signal(os.Kill))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := startEndingFalco(t, &harness.FalcoProcesses{Pace: slowPace})
			relay := harness.StartRelay(t, e.old.URL, "envoy")
			e.startDaemon(t, relay.SinkURL(), harness.Settings{"POSTBATCHMAXEVENTS": "20"})
			end(t, e)
			harness.Wait(t, func() bool { return relay.Answered() > 0 }, "the proxy says that Falco is away")
			relay.PointTo(e.next(t).URL)
			e.assertNoneLost(t)
		})
	}
}
