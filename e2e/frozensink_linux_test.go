package e2e

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// sinkFrozenFor is how long the sink is frozen, in the middle of a POST: less than POSTTIMEOUT.
const sinkFrozenFor = 25 * time.Second

// The kernel of the sink takes no more bytes, but answers to the probes of ours: the sink is there.
func TestASinkThatIsFrozenInTheMiddleOfAPostIsWaitedForAndNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	hub, f, address := harness.StartHub(t, 1), &harness.FalcoProcesses{}, harness.FreeAddress(t)
	fed := harness.NewFeed(hub)
	fed.Add(t, 5, 10)
	falco := f.Start(t, address)
	d := harness.StartDaemon(t, defaultSettleSettings(t, hub, falco.URL))
	f.AwaitUsed(t, fed.Total())

	thaw := freezeProcess(t, falco.Process)
	addLargeHubEvent(t, hub, fed)
	harness.Wait(t, func() bool { return windowShut(t, falco.URL) }, "the sink takes no more bytes")
	harness.Pause(t.Context(), sinkFrozenFor)
	assert.True(t, windowShut(t, falco.URL), "the same connection still has bytes to send")
	thaw()

	f.AwaitUsed(t, fed.Total())
	d.AwaitAtLeast(t, harness.VerdictSeries("delivered"), float64(fed.Total()))
	assert.Zero(t, d.Metric(t, "falco_aks_audit_log_events_retry"))
	assert.Zero(t, d.Metric(t, `aks_audit_log_sink_losses_total{partition="0"}`))
	d.Stop(t)
	fed.AssertOnceInOrder(t, f.Used(t))
}

// addLargeHubEvent appends a hub event whose audit events go in one POST and are more than a connection holds.
func addLargeHubEvent(t *testing.T, hub *hubtest.Server, fed *harness.Feed) {
	t.Helper()
	var large []string
	for range 20 {
		event := harness.AuditEvent("0", len(fed.Sent["0"])+len(large))
		large = append(large, strings.Replace(event, `"verb"`, fmt.Sprintf(`"requestObject":{"data":"%s"},"verb"`, strings.Repeat("x", 30_000)), 1))
	}
	hub.Append("0", harness.AuditHubEvent(t, large...))
	fed.Sent["0"] = append(fed.Sent["0"], large...)
}

// windowShut reports whether this system has a connection to the sink on which bytes wait that the sink does not take.
func windowShut(t *testing.T, sinkURL string) bool {
	t.Helper()
	sink, err := url.Parse(sinkURL)
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(sink.Host)
	require.NoError(t, err)
	var number int
	_, err = fmt.Sscan(port, &number)
	require.NoError(t, err)
	table, err := os.ReadFile("/proc/net/tcp")
	require.NoError(t, err)
	for line := range strings.Lines(string(table)) {
		// slot, local address, remote address, state, bytes to send:received ones, timer:its time; proc(5) describes them
		fields := strings.Fields(line)
		const established, windowProbe = "01", "04"
		if len(fields) > 5 && strings.HasSuffix(fields[2], fmt.Sprintf(":%04X", number)) && fields[3] == established &&
			!strings.HasPrefix(fields[4], "00000000:") && strings.HasPrefix(fields[5], windowProbe+":") {
			return true
		}
	}
	return false
}
