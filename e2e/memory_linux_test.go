package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

const (
	// memoryLimit is the limit of the daemon's resident size with its defaults, in bytes.
	memoryLimit = 256 << 20
	// This is the heaviest possible load of an event hub of the Standard tier: all of its partitions are full of
	// events of the largest size.
	heavyPartitions = 32
	heavyBacklog    = 30
	heavyEvent      = 1 << 20
	// heavyRecords is how many audit events a hub event has. Each of them is smaller than 262,144 bytes, which is the
	// limit of Falco's plugin.
	heavyRecords = 5
	// calm is for how long the resident size must not have grown to count as final.
	calm = 10 * time.Second
)

// heavyHubEvent returns a hub event of the largest size.
func heavyHubEvent(t *testing.T) []byte {
	t.Helper()
	empty := len(heavyBody(t, 0))
	body := heavyBody(t, (heavyEvent-empty)/heavyRecords)
	require.InDelta(t, heavyEvent, len(body), heavyRecords)
	return body
}

func heavyBody(t *testing.T, padding int) []byte {
	t.Helper()
	var events []string
	for n := range heavyRecords {
		events = append(events, strings.Replace(harness.AuditEvent("0", n), `"annotations"`,
			`"requestObject":{"data":"`+strings.Repeat("x", padding)+`"},"annotations"`, 1))
	}
	return harness.AuditHubEvent(t, events...)
}

// startHangingSink starts a webhook that reads each POST, and never answers. It returns how many POSTs are waiting.
func startHangingSink(t *testing.T) (url string, waiting *atomic.Int64) {
	t.Helper()
	waiting = &atomic.Int64{}
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // returns when the client cancels the POST
		waiting.Add(1)
		defer waiting.Add(-1)
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(over) })
	return server.URL, waiting
}

// highestResident returns a process's highest resident size so far, in bytes.
func highestResident(t *testing.T, p *harness.Process) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid))
	require.NoError(t, err)
	for line := range strings.Lines(string(status)) {
		if size, found := strings.CutPrefix(line, "VmHWM:"); found {
			kilobytes, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(size), "kB")))
			require.NoError(t, err)
			return kilobytes << 10
		}
	}
	t.Fatal("the system tells no highest resident size")
	return 0
}

// awaitCalm waits until the highest resident size has not grown for the time calm, and returns it.
func awaitCalm(t *testing.T, d *harness.Daemon) int {
	t.Helper()
	highest, since := highestResident(t, d.Process), time.Now()
	harness.Wait(t, func() bool {
		if now := highestResident(t, d.Process); now > highest {
			highest, since = now, time.Now()
		}
		return time.Since(since) > calm
	}, "the resident size stays")
	return highest
}

// residentUnderHeavyLoad returns the highest resident size of the daemon while the sink accepts nothing.
func residentUnderHeavyLoad(t *testing.T, others harness.Settings) int {
	t.Helper()
	hub, event := harness.StartHub(t, heavyPartitions), heavyHubEvent(t)
	for _, partition := range hub.PartitionIDs() {
		for range heavyBacklog {
			hub.Append(partition, event)
		}
	}
	sinkURL, waiting := startHangingSink(t)
	environ := harness.HubSettings(t, hub, sinkURL).With(harness.Settings{
		"CHECKPOINTDIR": t.TempDir(), "LOGLEVEL": "", "SHUTDOWNTIMEOUT": "1s",
	}).With(others)
	d := harness.RunDaemon(t, harness.ReleaseBinary(t), environ)
	harness.Wait(t, func() bool { return waiting.Load() == 1 }, "a POST waits for the sink")
	highest := awaitCalm(t, d)
	d.Stop(t)
	return highest
}

func TestTheMemoryIsBoundedWhileTheSinkHangsBeforeADeepBacklog(t *testing.T) {
	t.Parallel()
	for _, client := range []string{harness.CurrentClient, harness.LegacyClient} {
		t.Run(client, func(t *testing.T) {
			highest := residentUnderHeavyLoad(t, harness.Settings{"EVENTHUBCLIENT": client})
			t.Logf("highest resident size: %.1f MiB", float64(highest)/(1<<20))
			assert.Less(t, highest, memoryLimit)
		})
	}
}
