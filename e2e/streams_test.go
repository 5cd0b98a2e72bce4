package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// stateCase is where a daemon stores its checkpoints and dead letters, and with which client it reads.
type stateCase struct {
	settings harness.Settings
	state    harness.StoredState
}

// start starts the daemon. The older client has a data race of its own when it opens a link again soon after an event
// (azure-event-hubs-go v3.6.2, receiver.go:278 and 422). Its daemon therefore runs without the race detector.
func (c stateCase) start(t *testing.T) *harness.Daemon {
	t.Helper()
	if c.settings["EVENTHUBCLIENT"] == harness.LegacyClient {
		return harness.RunDaemon(t, harness.ReleaseBinary(t), c.settings)
	}
	return harness.StartDaemon(t, c.settings)
}

// eachClientAndStore runs a test with each client, with blobs and with files.
func eachClientAndStore(t *testing.T, test func(t *testing.T, hub *hubtest.Server, sink *harness.Sink, c stateCase)) {
	t.Helper()
	for _, client := range []string{harness.CurrentClient, harness.LegacyClient} {
		for _, store := range []string{"blobs", "files"} {
			t.Run(client+"/"+store, func(t *testing.T) {
				t.Parallel()
				server, sink := harness.StartHub(t, 1), harness.StartSink(t)
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

// awaitCheckpoint waits until the checkpoint of partition 0 is at a hub event.
func awaitCheckpoint(t *testing.T, state harness.StoredState, sequence int64) {
	t.Helper()
	harness.Wait(t, func() bool {
		checkpoints, err := state.Checkpoints(t.Context())
		return err == nil && checkpoints["0"] == sequence
	}, "the checkpoint stands at %d", sequence)
}

// hubChange is a change of a hub whose 100 hub events were delivered.
type hubChange struct {
	change func(*hubtest.Server)
	// anew is how many hub events are appended after the change. last is the number of the last of them.
	anew int
	last int64
}

// hubChanges returns the changes after which the same numbers occur again.
func hubChanges() map[string]hubChange {
	return map[string]hubChange{
		"made anew, with fewer events than before": {(*hubtest.Server).Remake, 50, 49},
		"made anew, with more events than before":  {(*hubtest.Server).Remake, 300, 299},
		"rewound": {func(hub *hubtest.Server) { hub.Rewind(60) }, 80, 139},
	}
}

func TestAHubThatChangesUnderTheDaemonIsReadFromWhatIsNew(t *testing.T) {
	t.Parallel()
	for name, change := range hubChanges() {
		t.Run(name, func(t *testing.T) {
			eachClientAndStore(t, func(t *testing.T, hub *hubtest.Server, sink *harness.Sink, c stateCase) {
				d := c.start(t)
				assertReadsWhatIsNew(t, hub, sink, c, change, func(apply func()) *harness.Daemon {
					awaitCheckpoint(t, c.state, 99)
					apply()
					return d
				})
			})
		})
	}
}

func TestAHubThatChangesWhileTheDaemonIsDownIsReadFromWhatIsNew(t *testing.T) {
	t.Parallel()
	for name, change := range hubChanges() {
		t.Run(name, func(t *testing.T) {
			eachClientAndStore(t, func(t *testing.T, hub *hubtest.Server, sink *harness.Sink, c stateCase) {
				d := c.start(t)
				assertReadsWhatIsNew(t, hub, sink, c, change, func(apply func()) *harness.Daemon {
					d.Stop(t)
					apply()
					return c.start(t)
				})
			})
		})
	}
}

// assertReadsWhatIsNew makes a daemon deliver what a hub holds. It changes the hub when around says so. It asserts
// that the daemon that around returns delivers everything new and nothing else, and says what happened.
func assertReadsWhatIsNew(t *testing.T, hub *hubtest.Server, sink *harness.Sink, c stateCase, change hubChange,
	around func(apply func()) *harness.Daemon,
) {
	t.Helper()
	all := appendPairs(t, hub, 0, 100)
	sink.Await(t, len(all))
	d := around(func() {
		change.change(hub)
		all = append(all, appendPairs(t, hub, 1000, change.anew)...)
	})
	sink.Await(t, len(all))
	awaitCheckpoint(t, c.state, change.last)
	d.AwaitMetric(t, `aks_audit_log_streams_changed_total{partition="0"}`, 1)
	assert.True(t, d.Output.Contains("the event hub was created again, rewound or failed over"))
	d.Stop(t)
	assert.Equal(t, all, sink.Accepted(), "each once, in order")
}

func TestADeadLetterOfAHubMadeAnewReplacesNoneOfTheOldOne(t *testing.T) {
	t.Parallel()
	eachClientAndStore(t, func(t *testing.T, hub *hubtest.Server, _ *harness.Sink, c stateCase) {
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

// A rollout with a wrong consumer group must not remove the good pod. So the new pod must never be ready, and the log
// has to say why.
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
			harness.Wait(t, func() bool { // as the kubelet does
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
