package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

func TestTheVariablesOfTheDotNetPredecessorConfigureIt(t *testing.T) {
	t.Parallel()
	hub, f, c := harness.StartHub(t, 1), harness.StartFalco(t), harness.NewBlobs(t)
	hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", 0)))
	ours := harness.HubSettings(t, hub, f.URL)
	d := harness.StartDaemon(t, harness.Settings{
		"EhubNamespaceConnectionString": hub.ConnectionString(),
		"EventHubName":                  hub.HubName(),
		"BlobStorageConnectionString":   harness.SharedAzurite(t).ConnectionString(),
		"BlobContainerName":             c.Name,
		"WebSinkURL":                    f.URL,
		"VerboseLevel":                  "3",
		"SSL_CERT_FILE":                 ours["SSL_CERT_FILE"],
		"STATSADDRESS":                  ours["STATSADDRESS"],
	})
	f.Await(t, 1)
	d.AwaitMetric(t, "falco_aks_audit_log_events_success", 1)
	d.Stop(t)
	harness.AssertCaughtUp(t, hub, c)
	assert.Contains(t, d.Output.String(), `"level":"debug"`, "VerboseLevel 3 stands for debug")
	assert.NotContains(t, d.Output.String(), `"level":"trace"`)
}

// predecessor is another reader whose positions in a container the daemon takes over.
type predecessor struct {
	name string
	// leave writes what the predecessor has stored after it has read up to the hub event last.
	leave func(t *testing.T, c harness.Blobs, partition string, last hubtest.PartitionInfo)
}

// lease returns the content of a lease blob of the retired Go SDK (azure-event-hubs-go/v3, eph and storage). The blob
// is at the root of the container.
func lease(partition string, sequence int64, offset string) string {
	return fmt.Sprintf(`{"partitionID":%q,"epoch":3,"owner":"host-1","checkpoint":{"offset":%q,"sequenceNumber":%d,`+
		`"enqueueTime":"2026-01-02T03:04:05.678Z"},"state":"available","token":"b6ea4a4e-1f0c-4b7c-a1d7-c1e7cf5f2cf8"}`, partition, offset, sequence)
}

func predecessors() []predecessor {
	blobAt := func(path string, offset func(hubtest.PartitionInfo) string) func(*testing.T, harness.Blobs, string, hubtest.PartitionInfo) {
		return func(t *testing.T, c harness.Blobs, partition string, last hubtest.PartitionInfo) {
			c.Write(t, "made", "")
			c.Add(t, path+partition, map[string]string{"sequencenumber": fmt.Sprint(last.LastSequence), "offset": offset(last)})
		}
	}
	typed := "127.0.0.1/" + harness.HubName + "/$Default/checkpoint/"
	none := func(hubtest.PartitionInfo) string { return "" }
	known := func(last hubtest.PartitionInfo) string { return last.LastOffset }
	return []predecessor{
		{"the .NET predecessor, in lower case and without an offset", blobAt(harness.CheckpointPath, none)},
		{"the archived Go port, as typed", blobAt(typed, known)},
		{"the retired SDK's leases", func(t *testing.T, c harness.Blobs, partition string, last hubtest.PartitionInfo) {
			c.Write(t, partition, lease(partition, last.LastSequence, last.LastOffset))
		}},
		{"several spellings, of which one is behind and two are rubbish", func(t *testing.T, c harness.Blobs, partition string, last hubtest.PartitionInfo) {
			c.Write(t, partition, "rubbish")
			c.Add(t, harness.CheckpointPath+partition, map[string]string{"sequencenumber": "0", "offset": "0"})
			c.Add(t, typed+partition, map[string]string{"sequencenumber": fmt.Sprint(last.LastSequence), "offset": last.LastOffset})
			c.Add(t, "127.0.0.1/"+strings.ToUpper(harness.HubName)+"/$DEFAULT/checkpoint/"+partition, map[string]string{"sequencenumber": "x"})
		}},
	}
}

func TestThePositionOfAPredecessorIsTakenOver(t *testing.T) {
	t.Parallel()
	for _, before := range predecessors() {
		t.Run(before.name, func(t *testing.T) {
			t.Parallel()
			hub, s, c := harness.StartHub(t, 2), harness.StartSink(t), harness.NewBlobs(t)
			done, next := harness.NewFeed(hub), harness.NewFeed(hub)
			done.Add(t, 4, 2)
			for _, partition := range hub.PartitionIDs() {
				before.leave(t, c, partition, hub.Partition(partition))
			}
			next.Add(t, 4, 2)
			d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL))
			s.Await(t, next.Total())
			d.Stop(t)
			next.AssertOnceInOrder(t, s.Accepted())
			harness.AssertCaughtUp(t, hub, c)
		})
	}
}

// The checkpoint that is further ahead may be of an event hub that has since been deleted. The writer of the other
// blob then has newer information.
func TestOfSeveralSpellingsTheCheckpointThatWasWrittenLastCounts(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
	done, next := harness.NewFeed(hub), harness.NewFeed(hub)
	done.Add(t, 4, 2)
	position := hub.Partition("0")
	next.Add(t, 8, 2)
	c.Put(t, typedPath+"0", map[string]string{"sequencenumber": fmt.Sprint(position.LastSequence + 3), "offset": "4711"})
	written := c.Written(t, typedPath+"0")
	harness.Wait(t, func() bool {
		c.Add(t, harness.CheckpointPath+"0", harness.CheckpointMetadata(position))
		return c.Written(t, harness.CheckpointPath+"0").After(written)
	}, "the storage's clock has gone on by a second")
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL))
	s.Await(t, next.Total())
	d.Stop(t)
	next.AssertOnceInOrder(t, s.Accepted())
	harness.AssertCaughtUp(t, hub, c)
}

func TestALeaseThatNamesNoEventMeansNothingReadYet(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
	fed := harness.NewFeed(hub)
	fed.Add(t, 2, 2)
	// The retired SDK writes this before its first checkpoint, although the number is that of a real event.
	c.Write(t, "0", lease("0", 0, "-1"))
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL).With(harness.Settings{"EVENTHUBSTARTPOSITION": "latest"}))
	s.Await(t, fed.Total())
	d.Stop(t)
	fed.AssertOnceInOrder(t, s.Accepted())
}

// A lease does not name its event hub, and a checkpoint is newer than the lease.
func TestALeaseCountsOnlyWhereThereIsNoCheckpoint(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
	done, next := harness.NewFeed(hub), harness.NewFeed(hub)
	done.Add(t, 2, 2)
	position := hub.Partition("0")
	next.Add(t, 4, 2)
	c.Write(t, "0", lease("0", position.LastSequence+2, "4711"))
	c.Add(t, harness.CheckpointPath+"0", map[string]string{"sequencenumber": fmt.Sprint(position.LastSequence), "offset": position.LastOffset})
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL))
	s.Await(t, next.Total())
	d.Stop(t)
	next.AssertOnceInOrder(t, s.Accepted())
}

func TestALeaseIsTakenOverWithAWarning(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
	harness.NewFeed(hub).Add(t, 2, 1)
	position := hub.Partition("0")
	c.Write(t, "0", lease("0", position.LastSequence, position.LastOffset))
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL))
	harness.Wait(t, func() bool { return d.Output.Contains("does not name its event hub") }, "the daemon warns of the lease")
	d.Stop(t)
	assert.Zero(t, s.Posted())
}
