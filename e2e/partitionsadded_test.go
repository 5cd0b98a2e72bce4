package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
)

// partitionsOfHub is the series with the number of the hub's partitions.
const partitionsOfHub = "aks_audit_log_partitions"

// Partitions are added to a hub in use, and no connection is cut. The start position is the newest event, but the
// first events of an added partition must not be skipped.
func TestPartitionsThatAreAddedAreFoundWithinAMinuteAndReadFromTheirOldestEvent(t *testing.T) {
	t.Parallel()
	for _, client := range []string{harness.CurrentClient, harness.LegacyClient} {
		for store, replicas := range map[string]int{"blobs": 1, "blobs of two replicas": 2, "files": 1} {
			t.Run(client+" with "+store, func(t *testing.T) {
				t.Parallel()
				hub, s, c := harness.StartHub(t, 2), harness.StartSink(t), harness.NewBlobs(t)
				environ := harness.BlobSettings(t, hub, c, s.URL)
				if store == "files" {
					environ = harness.HubSettings(t, hub, s.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir()})
				}
				environ = environ.With(harness.Settings{
					"EVENTHUBCLIENT": client, "EVENTHUBSTARTPOSITION": "latest", "CHECKPOINTINTERVAL": "200ms",
				})
				var daemons []*harness.Daemon
				for range replicas {
					daemons = append(daemons, harness.StartDaemon(t, environ.With(harness.Settings{"STATSADDRESS": harness.FreeAddress(t)})))
				}
				awaitStarted(t, daemons, 2)
				for _, d := range daemons {
					d.AwaitMetric(t, harness.PartitionsOwned, float64(2/replicas))
				}

				fed := harness.NewFeed(hub)
				fed.Add(t, 20, 2)
				s.Await(t, 80)
				hub.AddPartitions(2)
				fed.Add(t, 10, 2)
				began := time.Now()
				awaitStarted(t, daemons, 4)
				took := time.Since(began)
				assert.LessOrEqual(t, took, time.Minute+harness.Overtime(t.Context()))
				for _, d := range daemons {
					d.AwaitMetric(t, partitionsOfHub, 4)
					d.AwaitMetric(t, harness.PartitionsOwned, float64(4/replicas))
				}
				s.Await(t, 160)
				_, page := harness.Get(t.Context(), daemons[0].StatsURL+"/status.json")
				assert.Equal(t, 4, strings.Count(page, `"lag_events"`), page)
				for _, d := range daemons {
					d.Stop(t)
				}
				fed.AssertOnceInOrder(t, s.Accepted())
			})
		}
	}
}

// awaitStarted waits until the daemons together have chosen a start position in this many partitions.
func awaitStarted(t *testing.T, daemons []*harness.Daemon, partitions int) {
	t.Helper()
	harness.Wait(t, func() bool {
		started := map[any]bool{}
		for _, d := range daemons {
			for _, line := range d.LogLines(t) {
				if line["msg"] == "partition starts" {
					started[line["partition"]] = true
				}
			}
		}
		return len(started) == partitions
	}, "%d partitions have started", partitions)
}

// The partitions are added while no replica runs, or before the replica that claims them starts.
func TestAReplicaThatStartsAfterPartitionsWereAddedSkipsNothingOfThem(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
	environ := harness.BlobSettings(t, hub, c, s.URL).With(harness.Settings{"EVENTHUBSTARTPOSITION": "latest"})
	old := harness.NewFeed(hub)
	old.Add(t, 3, 2)
	first := harness.StartDaemon(t, environ)
	awaitStarted(t, []*harness.Daemon{first}, 1)
	first.Stop(t)

	hub.AddPartitions(2)
	hub.Append("1", harness.AuditHubEvent(t, harness.AuditEvent("1", 0)))
	second := harness.StartDaemon(t, environ)
	assert.Equal(t, []string{harness.AuditEvent("1", 0)}, s.Await(t, 1))
	assert.True(t, second.Output.Contains("starting at its oldest event, whatever EVENTHUBSTARTPOSITION says"))
	third := harness.StartDaemon(t, environ.With(harness.Settings{"STATSADDRESS": harness.FreeAddress(t)}))
	third.AwaitMetric(t, harness.PartitionsOwned, 1)
	hub.Append("2", harness.AuditHubEvent(t, harness.AuditEvent("2", 0)))
	harness.Wait(t, func() bool { return harness.Distinct(s.Accepted()) == 2 }, "the event of partition 2 has arrived")
	second.Stop(t)
	third.Stop(t)
	assert.Equal(t, 2, harness.Distinct(s.Accepted()), "nothing from before the first start")
}
