//go:build bench && linux

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/bench/control"
	"aks-audit-log-go/e2e/bench/load"
	"aks-audit-log-go/e2e/bench/usage"
	"aks-audit-log-go/e2e/harness"
)

// part is one of the processes around the daemon.
type part struct {
	*harness.Process
	control.Announcement
}

// startPart starts a part, and waits until it serves. It ends with the test.
func startPart(t *testing.T, environ []string, binary string, args ...string) *part {
	t.Helper()
	p, err := harness.StartProcess(t.Context(), t.TempDir(), environ, binary, args...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, p.Signal(syscall.SIGTERM)) })
	started := &part{Process: p}
	harness.Wait(t, func() bool {
		line, _, whole := strings.Cut(p.Output.String(), "\n")
		return whole && json.Unmarshal([]byte(line), &started.Announcement) == nil || !p.Running()
	}, "%s serves", filepath.Base(binary))
	require.True(t, p.Running(), "%s ended:\n%s", binary, p.Output)
	return started
}

// tell sends a command to a part, and waits until the part has done it.
func (p *part) tell(t *testing.T, command string) {
	t.Helper()
	require.NoError(t, p.order(t.Context(), command))
}

// order is tell for a goroutine other than the test's.
func (p *part) order(ctx context.Context, command string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.Control+command, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: harness.HTTPClient.Transport}).Do(req) // without a timeout
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", command, resp.Status)
	}
	return nil
}

// counts returns what a part has counted.
func (p *part) counts(t *testing.T, query string) control.Counts {
	t.Helper()
	status, page := harness.Get(t.Context(), "http://"+p.Control+"/counts"+query)
	require.Equal(t, http.StatusOK, status, page)
	var counts control.Counts
	require.NoError(t, json.Unmarshal([]byte(page), &counts))
	return counts
}

// lookEvery is how often a part is asked whether it has finished. The part itself records when it finished.
const lookEvery = 200 * time.Millisecond

// await waits until a part has counted this many audit events, without repeated ones. It fails if one of the other
// processes ends.
func (p *part) await(t *testing.T, events int64, others ...*harness.Process) control.Counts {
	t.Helper()
	const benchLimit = 5 * time.Minute
	for start := time.Now(); time.Since(start) < benchLimit; time.Sleep(lookEvery) {
		counts := p.counts(t, "")
		if counts.Events-counts.Repeats >= events {
			return counts
		}
		for _, other := range others {
			require.True(t, other.Running(), "what is measured ended at %d of %d audit events:\n%s", counts.Events, events, harness.Tail(other.Output.String()))
		}
	}
	require.Fail(t, "the audit events did not come")
	return control.Counts{}
}

// cost is what processes have used so far.
type cost struct {
	cpu  time.Duration
	peak int64 // bytes, of the largest process
}

func costOf(t *testing.T, processes ...*harness.Process) cost {
	t.Helper()
	var sum cost
	for _, p := range processes {
		cpu, err := usage.CPU(p.Cmd.Process.Pid)
		require.NoError(t, err)
		peak, err := usage.PeakRSS(p.Cmd.Process.Pid)
		require.NoError(t, err)
		sum.cpu += cpu
		sum.peak = max(sum.peak, peak)
	}
	return sum
}

// surroundings are the parts around a daemon in the benchmark.
type surroundings struct {
	b         *bench
	hub, sink *part
	blobs     *blobProxy
	container harness.Blobs
}

// surround starts a hub with this many partitions and a sink, and chooses a container that does not exist yet.
func (b *bench) surround(t *testing.T, partitions int, sinkArgs ...string) *surroundings {
	t.Helper()
	return &surroundings{
		b:         b,
		hub:       b.startHub(t, partitions),
		sink:      startPart(t, nil, b.part, append([]string{"sink"}, sinkArgs...)...),
		blobs:     startBlobProxy(t),
		container: harness.NewBlobs(t),
	}
}

func (b *bench) startHub(t *testing.T, partitions int) *part {
	t.Helper()
	return startPart(t, nil, b.part, "hub", "-partitions", fmt.Sprint(partitions))
}

// usualShape is the shape of hub events that AKS writes.
var usualShape = load.Shape{Records: load.Records}

// fill makes a backlog.
func (s *surroundings) fill(t *testing.T, hubEvents int, shape load.Shape) {
	t.Helper()
	command := fmt.Sprintf("/fill?hubEvents=%d&records=%d&size=%d", hubEvents, shape.Records, shape.Size)
	if shape.Mixed {
		command += "&mixed=1"
	}
	s.hub.tell(t, command)
}

// settings returns the settings that connect a daemon to the surroundings. All other variables have their defaults.
func (s *surroundings) settings(t *testing.T) harness.Settings {
	t.Helper()
	return harness.Settings{
		"SSL_CERT_FILE":                 caFile(t, s.hub.CA, s.blobs.ca()),
		"EHUBNAMESPACECONNECTIONSTRING": s.hub.Plain,
		"EVENTHUBNAME":                  s.hub.Hub,
		"BLOBSTORAGECONNECTIONSTRING":   s.blobs.connectionString(t, s.blobs.plain),
		"BLOBCONTAINERNAME":             s.container.Name,
		"WEBSINKURL":                    s.sink.URL,
	}
}

// caFile writes a file with these authorities, which are PEM.
func caFile(t *testing.T, authorities ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(authorities, "\n")), 0o600))
	return path
}

// startDaemon starts the released binary with these settings. All other variables have their defaults.
func (s *surroundings) startDaemon(t *testing.T, others harness.Settings) *harness.Daemon {
	t.Helper()
	environ := s.settings(t).With(others).With(s.b.extra).With(harness.Settings{"STATSADDRESS": harness.FreeAddress(t)})
	if s.b.profiles != "" {
		name := strings.NewReplacer("/", "_", " ", "-").Replace(t.Name()) + ".pprof"
		environ["DAEMONPROFILE"] = freeName(t, filepath.Join(s.b.profiles, name))
	}
	return harness.RunDaemon(t, s.b.daemon, maps.Clone(environ))
}

// freeName returns path, or a similar name if path exists. The name is absolute, because the daemons run in folders of
// their own.
func freeName(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	for candidate, n := path, 2; ; n++ {
		if _, err := os.Stat(candidate); os.IsNotExist(err) {
			require.NoError(t, os.WriteFile(candidate, nil, 0o600))
			return candidate
		}
		candidate = fmt.Sprintf("%s.%d", path, n)
	}
}

// profileOverlay makes the build add a file to the daemon that writes a profile.
func profileOverlay(t *testing.T) string {
	t.Helper()
	source, err := filepath.Abs("bench/profile/profile.go.txt")
	require.NoError(t, err)
	product, err := filepath.Abs(harness.ProductDir)
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(product, "benchprofile.go"): source}})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(path, overlay, 0o600))
	return path
}
