package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// stateCase is where a daemon keeps its checkpoints and dead letters, and with which client it reads.
type stateCase struct {
	settings harness.Settings
	state    harness.StoredState
}

// start starts the daemon. The older client has a data race of its own where it opens a link again soon after an event
// (azure-event-hubs-go v3.6.2, receiver.go:278 and 422), so its daemon runs without the race detector.
func (c stateCase) start(t *testing.T) *harness.Daemon {
	t.Helper()
	if c.settings["EVENTHUBCLIENT"] == harness.LegacyClient {
		return harness.RunDaemon(t, harness.ReleaseBinary(t), c.settings)
	}
	return harness.StartDaemon(t, c.settings)
}

// eachClientAndStore runs a test with each client, with blobs and with files.
func eachClientAndStore(t *testing.T, hub func() *hubtest.Server, test func(t *testing.T, hub *hubtest.Server, sink *harness.Sink, c stateCase)) {
	t.Helper()
	for _, client := range []string{harness.CurrentClient, harness.LegacyClient} {
		for _, store := range []string{"blobs", "files"} {
			t.Run(client+"/"+store, func(t *testing.T) {
				t.Parallel()
				server, sink := hub(), harness.StartSink(t)
				t.Cleanup(server.Close)
				var c stateCase
				if store == "blobs" {
					blobs := harness.NewBlobs(t)
					c = stateCase{harness.BlobSettings(t, server, blobs, sink.URL), harness.StateInBlobs{Blobs: blobs}}
				} else {
					dir := t.TempDir()
					c = stateCase{harness.HubSettings(t, server, sink.URL).With(harness.Settings{"CHECKPOINTDIR": dir}), harness.StateInFolder(dir)}
				}
				c.settings = c.settings.With(harness.Settings{"EVENTHUBCLIENT": client, "CHECKPOINTINTERVAL": "200ms", "LOGLEVEL": "info"})
				test(t, server, sink, c)
			})
		}
	}
}

// appendPairs appends hub events of two audit events each to partition 0, and returns the audit events.
func appendPairs(t *testing.T, hub *hubtest.Server, from, count int) []string {
	t.Helper()
	var all []string
	for n := from; n < from+count; n++ {
		pair := []string{harness.AuditEvent("0", 2*n), harness.AuditEvent("0", 2*n+1)}
		require.NotEqual(t, int64(-1), hub.Append("0", harness.AuditHubEvent(t, pair...)))
		all = append(all, pair...)
	}
	return all
}

// awaitCheckpoint waits until the checkpoint of partition 0 stands at a hub event.
func awaitCheckpoint(t *testing.T, state harness.StoredState, sequence int64) {
	t.Helper()
	harness.Wait(t, func() bool {
		checkpoints, err := state.Checkpoints(t.Context())
		return err == nil && checkpoints["0"] == sequence
	}, "the checkpoint stands at %d", sequence)
}

func startOneHub(t *testing.T) func() *hubtest.Server {
	return func() *hubtest.Server { return harness.StartHub(t, 1) }
}

const otherStream = "the hub was made anew, rewound or failed over"

func TestAHubThatIsMadeAnewUnderTheDaemonIsReadFromItsFirstEvent(t *testing.T) {
	t.Parallel()
	for name, anew := range map[string]int{"fewer events than before": 50, "more events than before": 300} {
		t.Run(name, func(t *testing.T) {
			eachClientAndStore(t, startOneHub(t), func(t *testing.T, hub *hubtest.Server, sink *harness.Sink, c stateCase) {
				old := appendPairs(t, hub, 0, 100)
				d := c.start(t)
				sink.Await(t, len(old))
				awaitCheckpoint(t, c.state, 99)
				hub.Remake()
				want := appendPairs(t, hub, 1000, anew)
				sink.Await(t, len(old)+len(want))
				awaitCheckpoint(t, c.state, int64(anew-1))
				d.AwaitMetric(t, `aks_audit_log_streams_changed_total{partition="0"}`, 1)
				assert.True(t, d.Output.Contains(otherStream))
				d.Stop(t)
				assert.Equal(t, append(slices.Clone(old), want...), sink.Accepted(), "each once, in order")
			})
		})
	}
}

func TestAHubThatIsMadeAnewWhileTheDaemonIsDownIsReadFromItsFirstEvent(t *testing.T) {
	t.Parallel()
	for name, anew := range map[string]int{"fewer events than before": 50, "more events than before": 150} {
		t.Run(name, func(t *testing.T) {
			eachClientAndStore(t, startOneHub(t), func(t *testing.T, hub *hubtest.Server, sink *harness.Sink, c stateCase) {
				old := appendPairs(t, hub, 0, 100)
				d := c.start(t)
				sink.Await(t, len(old))
				d.Stop(t)
				hub.Remake()
				want := appendPairs(t, hub, 1000, anew)
				d = c.start(t)
				sink.Await(t, len(old)+len(want))
				awaitCheckpoint(t, c.state, int64(anew-1))
				assert.True(t, d.Output.Contains(otherStream))
				d.Stop(t)
				assert.Equal(t, append(slices.Clone(old), want...), sink.Accepted(), "each once, in order")
			})
		})
	}
}

func TestAHubThatIsRewoundIsReadFromWhatIsNew(t *testing.T) {
	t.Parallel()
	eachClientAndStore(t, startOneHub(t), func(t *testing.T, hub *hubtest.Server, sink *harness.Sink, c stateCase) {
		old := appendPairs(t, hub, 0, 100)
		d := c.start(t)
		sink.Await(t, len(old))
		awaitCheckpoint(t, c.state, 99)
		hub.Rewind(60)
		want := appendPairs(t, hub, 1000, 80)
		sink.Await(t, len(old)+len(want))
		awaitCheckpoint(t, c.state, 139)
		d.Stop(t)
		assert.Equal(t, append(slices.Clone(old), want...), sink.Accepted(), "each once, in order")
	})
}

func TestADeadLetterOfAHubMadeAnewReplacesNoneOfTheOldOne(t *testing.T) {
	t.Parallel()
	eachClientAndStore(t, startOneHub(t), func(t *testing.T, hub *hubtest.Server, _ *harness.Sink, c stateCase) {
		for n, broken := range []string{"the old one", "the new one"} {
			if n > 0 {
				hub.Remake()
			}
			hub.Append("0", harness.AuditHubEvent(t, broken))
			d := c.start(t)
			d.AwaitMetric(t, `aks_audit_log_dead_letters_total{reason="not_json"}`, 1)
			awaitCheckpoint(t, c.state, 0)
			d.Stop(t)
		}
		letters, err := c.state.DeadLetters(t.Context())
		require.NoError(t, err)
		require.Len(t, letters, 2)
	})
}

// A rollout with a wrong consumer group must not take the good pod away: the new pod must never be ready, and the log has
// to say why.
func TestADaemonWhoseConsumerGroupDoesNotExistIsNeverReadyAndSaysWhy(t *testing.T) {
	t.Parallel()
	for _, client := range []string{harness.CurrentClient, harness.LegacyClient} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			hub, sink := harness.StartHub(t, 4), harness.StartSink(t)
			appendPairs(t, hub, 0, 3)
			good := harness.HubSettings(t, hub, sink.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir(), "EVENTHUBCLIENT": client})
			working := harness.StartDaemon(t, good)
			sink.Await(t, 6)
			working.AwaitReady(t)

			wrong := harness.StartDaemon(t, good.With(harness.Settings{
				"EVENTHUBCONSUMERGROUP": "falcon", "CHECKPOINTDIR": t.TempDir(), "STATSADDRESS": harness.FreeAddress(t), "LOGLEVEL": "info",
			}))
			const why = `the hub has no consumer group \"falcon\": create it (az eventhubs eventhub consumer-group create`
			readyBefore := 0
			harness.Wait(t, func() bool { // what the kubelet asks
				status, text := wrong.Readyz(t)
				if status == http.StatusOK {
					readyBefore++
				}
				return strings.Contains(text, strings.ReplaceAll(why, `\"`, `"`))
			}, "/readyz says why")
			assert.Zero(t, readyBefore, "answers of /readyz that were 200")
			wrong.AwaitMetric(t, "aks_audit_log_receive_failing_partitions", 4)
			wrong.AwaitMetric(t, "aks_audit_log_ready", 0)
			wrong.AwaitReason(t, why)
			assert.Contains(t, wrong.Pages(t), "consumer group")
			for _, partition := range hub.PartitionIDs() {
				said := 0
				for _, line := range wrong.LogLines(t) {
					if line["partition"] == partition && strings.HasPrefix(fmt.Sprint(line["msg"]), "cannot receive") {
						said++
					}
				}
				assert.LessOrEqual(t, said, 2, "lines about partition %s: once, and once a minute", partition)
			}
			working.AwaitReady(t)
			appendPairs(t, hub, 3, 3)
			sink.Await(t, 12)
			wrong.Stop(t)
			working.Stop(t)
		})
	}
}
