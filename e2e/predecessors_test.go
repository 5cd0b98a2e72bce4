package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
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

func TestACheckpointOfTheArchivedGoPortIsTakenOver(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 1), startSink(t), newContainer(t)
	done, next := newFeed(hub), newFeed(hub)
	done.add(t, 4, 2)
	checkpointed := hub.Partition("0")
	next.add(t, 4, 2)
	// It wrote the path as typed, where we write it in lower case.
	c.put(t, "127.0.0.1/"+hubName+"/$Default/checkpoint/0", map[string]string{
		"sequencenumber": "3", "offset": checkpointed.LastOffset,
	})
	d := startDaemon(t, blobSettings(t, hub, c, s.URL))
	s.await(t, next.total())
	d.stop(t)
	next.assertOnceInOrder(t, s.accepted())
	assertCaughtUp(t, hub, c)
}
