package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/internal/hubtest"
)

func TestTheVariablesOfTheDotNetPredecessorConfigureIt(t *testing.T) {
	t.Parallel()
	hub, f, c := startHub(t, 1), startFalco(t), newContainer(t)
	hub.Append("0", auditHubEvent(t, auditEvent("0", 0)))
	ours := hubSettings(t, hub, f.url)
	d := startDaemon(t, settings{
		"EhubNamespaceConnectionString": hub.ConnectionString(),
		"EventHubName":                  hub.HubName(),
		"BlobStorageConnectionString":   storage(t).connectionString(),
		"BlobContainerName":             c.name,
		"WebSinkURL":                    f.url,
		"VerboseLevel":                  "3",
		"SSL_CERT_FILE":                 ours["SSL_CERT_FILE"],
		"STATSADDRESS":                  ours["STATSADDRESS"],
	})
	f.await(t, 1)
	d.awaitMetric(t, "falco_aks_audit_log_events_success", 1)
	d.stop(t)
	assertCaughtUp(t, hub, c)
	assert.Contains(t, d.out.String(), `"level":"debug"`, "VerboseLevel 3 stands for debug")
	assert.NotContains(t, d.out.String(), `"level":"trace"`)
}

// predecessor is a reader whose position is to be taken over from a container.
type predecessor struct {
	name string
	// leave writes what it leaves behind when it has read up to the hub event last.
	leave func(t *testing.T, c container, partition string, last hubtest.PartitionInfo)
}

// lease is a blob of the retired Go SDK (azure-event-hubs-go/v3, eph and storage), at the
// container's root.
func lease(partition string, sequence int64, offset string) string {
	return fmt.Sprintf(`{"partitionID":%q,"epoch":3,"owner":"host-1","checkpoint":{"offset":%q,"sequenceNumber":%d,`+
		`"enqueueTime":"2026-01-02T03:04:05.678Z"},"state":"available","token":"b6ea4a4e-1f0c-4b7c-a1d7-c1e7cf5f2cf8"}`, partition, offset, sequence)
}

func predecessors() []predecessor {
	blobAt := func(path string, offset func(hubtest.PartitionInfo) string) func(*testing.T, container, string, hubtest.PartitionInfo) {
		return func(t *testing.T, c container, partition string, last hubtest.PartitionInfo) {
			c.write(t, "made", "")
			c.add(t, path+partition, map[string]string{"sequencenumber": fmt.Sprint(last.LastSequence), "offset": offset(last)})
		}
	}
	typed := "127.0.0.1/" + hubName + "/$Default/checkpoint/"
	none := func(hubtest.PartitionInfo) string { return "" }
	known := func(last hubtest.PartitionInfo) string { return last.LastOffset }
	return []predecessor{
		{"the .NET predecessor, in lower case and without an offset", blobAt(checkpointPath, none)},
		{"the archived Go port, as typed", blobAt(typed, known)},
		{"the retired SDK's leases", func(t *testing.T, c container, partition string, last hubtest.PartitionInfo) {
			c.write(t, partition, lease(partition, last.LastSequence, last.LastOffset))
		}},
		{"several spellings, of which one is behind and two are rubbish", func(t *testing.T, c container, partition string, last hubtest.PartitionInfo) {
			c.write(t, partition, "rubbish")
			c.add(t, checkpointPath+partition, map[string]string{"sequencenumber": "0", "offset": "0"})
			c.add(t, typed+partition, map[string]string{"sequencenumber": fmt.Sprint(last.LastSequence), "offset": last.LastOffset})
			c.add(t, "127.0.0.1/"+strings.ToUpper(hubName)+"/$DEFAULT/checkpoint/"+partition, map[string]string{"sequencenumber": "x"})
		}},
	}
}

func TestThePositionOfAPredecessorIsTakenOver(t *testing.T) {
	t.Parallel()
	for _, before := range predecessors() {
		t.Run(before.name, func(t *testing.T) {
			t.Parallel()
			hub, s, c := startHub(t, 2), startSink(t), newContainer(t)
			done, next := newFeed(hub), newFeed(hub)
			done.add(t, 4, 2)
			for _, partition := range hub.PartitionIDs() {
				before.leave(t, c, partition, hub.Partition(partition))
			}
			next.add(t, 4, 2)
			d := startDaemon(t, blobSettings(t, hub, c, s.URL))
			s.await(t, next.total())
			d.stop(t)
			next.assertOnceInOrder(t, s.accepted())
			assertCaughtUp(t, hub, c)
		})
	}
}

func TestALeaseThatNamesNoEventMeansNothingReadYet(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 1), startSink(t), newContainer(t)
	fed := newFeed(hub)
	fed.add(t, 2, 2)
	// What the retired SDK writes before its first checkpoint: the number is that of a real event.
	c.write(t, "0", lease("0", 0, "-1"))
	d := startDaemon(t, blobSettings(t, hub, c, s.URL).with(settings{"EVENTHUBSTARTPOSITION": "latest"}))
	s.await(t, fed.total())
	d.stop(t)
	fed.assertOnceInOrder(t, s.accepted())
}

// A lease does not say of which event hub it is, and whoever wrote a checkpoint came after it.
func TestALeaseCountsOnlyWhereThereIsNoCheckpoint(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 1), startSink(t), newContainer(t)
	done, next := newFeed(hub), newFeed(hub)
	done.add(t, 2, 2)
	position := hub.Partition("0")
	next.add(t, 4, 2)
	c.write(t, "0", lease("0", position.LastSequence+2, "4711"))
	c.add(t, checkpointPath+"0", map[string]string{"sequencenumber": fmt.Sprint(position.LastSequence), "offset": position.LastOffset})
	d := startDaemon(t, blobSettings(t, hub, c, s.URL))
	s.await(t, next.total())
	d.stop(t)
	next.assertOnceInOrder(t, s.accepted())
}

func TestALeaseIsTakenOverWithAWarning(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 1), startSink(t), newContainer(t)
	newFeed(hub).add(t, 2, 1)
	position := hub.Partition("0")
	c.write(t, "0", lease("0", position.LastSequence, position.LastOffset))
	d := startDaemon(t, blobSettings(t, hub, c, s.URL))
	eventually(t, func() bool { return d.out.Contains("does not say of which event hub") }, "the daemon warns of the lease")
	d.stop(t)
	assert.Zero(t, s.posted())
}
