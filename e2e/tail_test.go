package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// readerGroup is a consumer group in which no daemon reads.
const readerGroup = "audit-reader"

// startHubWithReaderGroup starts a hub with readerGroup besides the daemon's group.
func startHubWithReaderGroup(t *testing.T, partitions int) *hubtest.Server {
	t.Helper()
	hub, err := hubtest.Start(hubtest.Config{Hub: harness.HubName, Partitions: partitions, ConsumerGroups: []string{readerGroup}})
	require.NoError(t, err)
	t.Cleanup(hub.Close)
	return hub
}

// runningTail is a running command tail.
type runningTail struct {
	cmd         *exec.Cmd
	out, errOut harness.Output
}

// startTail starts the command tail.
func startTail(t *testing.T, s harness.Settings, args ...string) *runningTail {
	t.Helper()
	r := &runningTail{}
	r.cmd = exec.CommandContext(t.Context(), harness.RaceBinary(t), append([]string{"tail"}, args...)...)
	r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = s.Environ(), &r.out, &r.errOut
	require.NoError(t, r.cmd.Start())
	return r
}

// lines returns the lines that were printed so far.
func (r *runningTail) lines() []string {
	return strings.FieldsFunc(r.out.String(), func(char rune) bool { return char == '\n' })
}

// await waits until this many lines are printed, and returns them.
func (r *runningTail) await(t *testing.T, count int) []string {
	t.Helper()
	harness.Wait(t, func() bool { return len(r.lines()) >= count }, "%d lines are printed", count)
	require.Len(t, r.lines(), count)
	return r.lines()
}

// end sends a signal, which has to end the command without an error. It returns what the command printed on standard
// error.
func (r *runningTail) end(t *testing.T, signal os.Signal) string {
	t.Helper()
	require.NoError(t, r.cmd.Process.Signal(signal))
	require.NoError(t, r.cmd.Wait(), r.errOut.String())
	assert.NotContains(t, r.errOut.String(), "DATA RACE")
	return r.errOut.String()
}

// didEvent returns an audit event about what a user did.
func didEvent(user, verb, resource, namespace string, code int) string {
	object, _ := json.Marshal(map[string]any{
		"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "a", "stage": "ResponseComplete", "verb": verb,
		"user": map[string]any{"username": user}, "objectRef": map[string]any{"resource": resource, "namespace": namespace, "name": "n"},
		"responseStatus": map[string]any{"code": code}, "stageTimestamp": "2026-01-02T03:04:05.678901Z",
	})
	return string(object)
}

func TestTailPrintsWhoDidWhatBesideARunningDaemon(t *testing.T) {
	t.Parallel()
	for _, client := range []string{harness.CurrentClient, harness.LegacyClient} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			hub, s, c := startHubWithReaderGroup(t, 2), harness.StartSink(t), harness.NewBlobs(t)
			environ := harness.BlobSettings(t, hub, c, s.URL).With(harness.SteadySettings()).With(harness.Settings{"EVENTHUBCLIENT": client})
			old := didEvent("old", "get", "pods", "default", 200)
			hub.Append("0", harness.AuditHubEvent(t, old))
			d := harness.StartDaemon(t, environ)
			s.Await(t, 1)
			harness.Wait(t, func() bool { return hub.Receivers("0") == 1 && hub.Receivers("1") == 1 }, "the daemon reads both partitions")
			daemonLinks := hub.ReceiverNames("0")

			r := startTail(t, environ, "-group", readerGroup)
			harness.Wait(t, func() bool { return hub.Receivers("0") == 2 && hub.Receivers("1") == 2 }, "tail reads both partitions")
			first, second := didEvent("alice", "delete", "secrets", "prod", 403), didEvent("bob", "create", "nodes", "", 201)
			hub.Append("1", harness.AuditHubEvent(t, first)) // partition 0 is quiet
			assert.Equal(t, "2026-01-02T03:04:05.678Z c alice delete secrets prod/n 403", strings.Join(strings.Fields(r.await(t, 1)[0]), " "))
			hub.Append("0", harness.AuditHubEvent(t, second))
			assert.Equal(t, "2026-01-02T03:04:05.678Z c bob create nodes n 201", strings.Join(strings.Fields(r.await(t, 2)[1]), " "))

			s.Await(t, 3)
			assert.Subset(t, hub.ReceiverNames("0"), daemonLinks, "the daemon was not displaced")
			stderr := r.end(t, os.Interrupt)
			assert.Contains(t, stderr, "tail: hub events: 2, audit events: 2, printed: 2\n")
			assert.NotContains(t, r.out.String(), "\x1b", "it is no terminal")
			d.Stop(t)
			assert.ElementsMatch(t, []string{old, first, second}, s.Accepted())
		})
	}
}

func TestTailInTheGroupOfTheDaemonSaysWhichGroupToMake(t *testing.T) {
	t.Parallel()
	for _, client := range []string{harness.CurrentClient, harness.LegacyClient} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			hub, s := startHubWithReaderGroup(t, 2), harness.StartSink(t)
			environ := harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir(), "LOGLEVEL": "warn", "EVENTHUBCLIENT": client})
			d := harness.StartDaemon(t, environ)
			harness.Wait(t, func() bool { return hub.Receivers("0") == 1 && hub.Receivers("1") == 1 }, "the daemon reads both partitions")

			code, stdout, stderr := harness.RunToEnd(t, environ, "tail", "-since", "1h")
			assert.Equal(t, 1, code)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, `tail: the consumer group "$Default" is in use, for example by the daemon: create a group for this command `+
				"(az eventhubs eventhub consumer-group create --namespace-name 127 --eventhub-name insights-logs-kube-audit --name audit-reader --resource-group …), "+
				"and give it by -group audit-reader (partition ")
			assert.NotContains(t, stderr, "trying again")

			code, _, stderr = harness.RunToEnd(t, environ, "tail", "-group", "missing")
			assert.Equal(t, 1, code)
			assert.Contains(t, stderr, `the hub has no consumer group "missing": create it (az eventhubs eventhub consumer-group create `)
			d.Stop(t)
		})
	}
}

func TestATailInTheGroupOfTheDaemonEndsWhenTheDaemonStarts(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	environ := harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir(), "LOGLEVEL": "warn"})
	r := startTail(t, environ)
	harness.Wait(t, func() bool { return hub.Receivers("0") == 1 }, "tail reads")
	harness.StartDaemon(t, environ)
	require.Error(t, r.cmd.Wait())
	assert.Equal(t, 1, r.cmd.ProcessState.ExitCode())
	assert.Contains(t, r.errOut.String(), "create a group for this command")
}

// snapshot returns everything in a store, with the times at which it was written.
type snapshot func() map[string]string

func TestTailLeavesTheStoreAsItIs(t *testing.T) {
	t.Parallel()
	c, dir := harness.NewBlobs(t), t.TempDir()
	for name, store := range map[string]struct {
		settings harness.Settings
		snapshot snapshot
	}{
		"blobs": {
			harness.Settings{"BLOBSTORAGECONNECTIONSTRING": harness.SharedAzurite(t).ConnectionString(), "BLOBCONTAINERNAME": c.Name},
			func() map[string]string {
				found := map[string]string{}
				for blob, metadata := range c.Metadata(t) {
					found[blob] = fmt.Sprint(metadata, c.Written(t, blob), string(c.Content(t, blob)))
				}
				return found
			},
		},
		"files": {
			harness.Settings{"CHECKPOINTDIR": dir},
			func() map[string]string {
				found := map[string]string{}
				require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
					if err != nil || entry.IsDir() {
						return err
					}
					info, err := entry.Info()
					if err != nil {
						return err
					}
					content, err := os.ReadFile(path)
					found[path] = fmt.Sprint(info.ModTime(), string(content))
					return err
				}))
				return found
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s := startHubWithReaderGroup(t, 2), harness.StartSink(t)
			fed := harness.NewFeed(hub)
			fed.Add(t, 3, 1)
			environ := harness.HubSettings(t, hub, s.URL).With(store.settings).With(harness.SteadySettings())
			d := harness.StartDaemon(t, environ)
			s.Await(t, fed.Total())
			d.Stop(t)
			before := store.snapshot()
			require.NotEmpty(t, before)

			for _, args := range [][]string{{"-since", "1h"}, {"-since", "1h", "-group", readerGroup}} {
				r := startTail(t, environ, args...)
				r.await(t, fed.Total())
				r.end(t, syscall.SIGTERM)
				assert.Equal(t, before, store.snapshot())
			}
			assert.Len(t, s.Accepted(), fed.Total(), "nothing is sent again")
		})
	}
}

func TestTailPrintsWhatTheFiltersTakeAndCountsTheRest(t *testing.T) {
	t.Parallel()
	hub := startHubWithReaderGroup(t, 1)
	environ := harness.HubSettings(t, hub, "http://127.0.0.1:1/").With(harness.Settings{"CHECKPOINTDIR": t.TempDir(), "LOGLEVEL": "warn"})
	hub.AppendMessage("0", hubtest.Message{
		Body:     [][]byte{harness.AuditHubEvent(t, didEvent("too-old", "create", "pods", "prod", 201))},
		Enqueued: time.Now().Add(-2 * time.Hour),
	})
	hub.Append("0", harness.HubEvent(t, harness.RecordOf("kube-audit", "not JSON"), harness.RecordOf("kube-scheduler", harness.KlogLine)))
	hub.Append("0", harness.AuditHubEvent(t,
		didEvent("alice", "create", "pods", "prod", 201),
		didEvent("alice", "get", "pods", "prod", 200),
		didEvent("system:node:1", "create", "pods", "prod", 201),
		didEvent("alice", "create", "configmaps", "prod", 201),
		didEvent("alice", "create", "pods", "test", 201),
		didEvent("bob\x1b[2J\nfake", "create", "pods", "prod-2", 403),
	))
	filters := []string{"-since", "1h", "-group", readerGroup, "-user", "!system:*", "-verb", "create,delete", "-resource", "pods", "-namespace", "prod*", "-cluster", "C"}
	counted := "tail: hub events: 2, audit events: 6, printed: 2; " +
		"not printed, because the daemon makes dead letters of them: 1 not_json; not printed, because their log category has no audit events: 1 kube-scheduler\n"

	r := startTail(t, environ, filters...)
	lines := r.await(t, 2)
	assert.Equal(t, "2026-01-02T03:04:05.678Z c alice create pods prod/n 201", strings.Join(strings.Fields(lines[0]), " "))
	assert.Equal(t, "2026-01-02T03:04:05.678Z c bob?[2J?fake create pods prod-2/n 403", strings.Join(strings.Fields(lines[1]), " "))
	assert.Contains(t, r.end(t, os.Interrupt), counted)

	r = startTail(t, environ, append(filters, "-o", "json")...)
	lines = r.await(t, 2)
	var objects [2]struct {
		User, Verb, Resource, Namespace, Cluster, Partition string
		Code, Sequence, Record                              int
		Event                                               json.RawMessage
	}
	for i, line := range lines {
		require.NoError(t, json.Unmarshal([]byte(line), &objects[i]), line)
	}
	assert.Equal(t, "alice", objects[0].User)
	assert.Equal(t, "c", objects[0].Cluster)
	assert.JSONEq(t, didEvent("alice", "create", "pods", "prod", 201), string(objects[0].Event))
	assert.Equal(t, "bob\x1b[2J\nfake", objects[1].User)
	assert.Equal(t, 403, objects[1].Code)
	assert.Equal(t, 5, objects[1].Record)
	assert.NotContains(t, r.out.String(), "\x1b")
	assert.Contains(t, r.end(t, os.Interrupt), counted)
}
