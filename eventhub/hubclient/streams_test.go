package hubclient

import (
	"fmt"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
	"aks-audit-log-go/internal/hubtest"
)

// appendNumbered appends count events to partition 0. Their bodies are a name and a number from 0.
func appendNumbered(server *hubtest.Server, name string, count int) {
	for n := range count {
		server.Append("0", fmt.Appendf(nil, "%s %d", name, n))
	}
}

// expectBodies waits for events with the bodies that appendNumbered made, in order and with none between them.
func expectBodies(t *testing.T, r *eventhubtest.Reading, name string, count int) (last eventhub.Event) {
	t.Helper()
	for n := range count {
		last = r.Next(t)
		require.Equal(t, fmt.Sprintf("%s %d", name, n), string(last.Body))
	}
	return last
}

// waitForNextMillisecond returns once a new event is enqueued in a later millisecond than all of partition 0.
func waitForNextMillisecond(t *testing.T, server *hubtest.Server) {
	t.Helper()
	before := server.Partition("0").LastEnqueued
	require.Eventually(t, func() bool {
		server.Append("3", []byte("clock"))
		return server.Partition("3").LastEnqueued.After(before)
	}, eventhubtest.WaitLimit, eventhubtest.WaitLimit/10000)
}

// azure-event-hubs-go has a data race of its own if it opens a link again soon after an event (v3.6.2, receiver.go:278
// and 422). So tests that cut a reader's links are for azeventhubs only. Those in e2e run the daemon with both.
func TestAHubMadeAnewUnderItsReaderIsReadFromItsFirstEvent(t *testing.T) {
	for name, anew := range map[string]int{"fewer events than before": 3, "as many": 10, "more": 25} {
		t.Run(name, func(t *testing.T) {
			server, hub := startEmulator(t, 4, forwarder.ClientAzEventHubs)
			shortenQuiet(t, hub)
			appendNumbered(server, "old", 10)
			r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
			expectBodies(t, r, "old", 10)
			waitForNextMillisecond(t, server)
			server.Remake()
			appendNumbered(server, "new", anew)
			expectBodies(t, r, "new", anew)
			r.Stop(t)
		})
	}
}

func TestAHubMadeAnewWhileNobodyReadsIsReadFromItsFirstEvent(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		for _, anew := range []int{3, 10, 25} {
			server, hub := startEmulator(t, 4, client)
			appendNumbered(server, "old", 10)
			r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
			last := expectBodies(t, r, "old", 10)
			r.Stop(t)
			waitForNextMillisecond(t, server)
			server.Remake()
			appendNumbered(server, "new", anew)
			r = eventhubtest.StartReading(t, hub, "0", eventhub.After(last))
			expectBodies(t, r, "new", anew)
			r.Stop(t)
		}
	})
}

func TestAHubThatIsRewoundIsReadFromWhatIsNew(t *testing.T) {
	server, hub := startEmulator(t, 4, forwarder.ClientAzEventHubs)
	appendNumbered(server, "old", 10)
	r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
	expectBodies(t, r, "old", 10)
	waitForNextMillisecond(t, server)
	server.Rewind(4)
	appendNumbered(server, "new", 20)
	expectBodies(t, r, "new", 20)
	r.Stop(t)
}

// The SDKs open a link again by themselves, after the number of the last event.
func TestALinkThatTheClientOpensAgainByItselfDoesNotHideThatTheHubIsAnother(t *testing.T) {
	server, hub := startEmulator(t, 4, forwarder.ClientAzEventHubs)
	appendNumbered(server, "old", 10)
	r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
	expectBodies(t, r, "old", 9)
	waitForNextMillisecond(t, server)
	server.Remake() // while event 9 waits to be taken
	appendNumbered(server, "new", 25)
	first := r.Next(t)
	if string(first.Body) == "old 9" { // it had been handed on before the link was lost
		first = r.Next(t)
	}
	assert.Equal(t, "new 0", string(first.Body))
	for n := range 24 {
		assert.Equal(t, fmt.Sprintf("new %d", n+1), string(r.Next(t).Body))
	}
	server.Detach("0", "amqp:link:detach-forced", "the link is idle")
	server.Append("0", []byte("last"))
	assert.Equal(t, "last", string(r.Next(t).Body))
	r.Stop(t)
}

func TestALastEventThatRetentionRemovedIsNotAnotherStream(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 4, client)
		appendNumbered(server, "event", 10)
		r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
		last := expectBodies(t, r, "event", 5)
		r.Stop(t)
		server.Truncate("0", 7)
		r = eventhubtest.StartReading(t, hub, "0", eventhub.After(last))
		r.Expect(t, 7, 8, 9)
		r.Stop(t)
		server.Truncate("0", 10)
		r = eventhubtest.StartReading(t, hub, "0", eventhub.After(last))
		server.Append("0", []byte("a"))
		r.Expect(t, 10)
		r.Stop(t)
	})
}

func TestEventsOfTheMillisecondOfARemovedLastEventAreRead(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 4, client)
		for n := range 6 {
			server.AppendMessage("0", hubtest.Message{Body: [][]byte{fmt.Appendf(nil, "event %d", n)}, Enqueued: eventhubtest.Noon})
		}
		r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
		last := expectBodies(t, r, "event", 3)
		r.Stop(t)
		server.Truncate("0", 3)
		r = eventhubtest.StartReading(t, hub, "0", eventhub.After(last))
		r.Expect(t, 3, 4, 5)
		r.Stop(t)
	})
}

func TestEventsOfOneMillisecondAreReadOnceEach(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 4, client)
		for n := range 20 {
			server.AppendMessage("0", hubtest.Message{Body: [][]byte{fmt.Appendf(nil, "event %d", n)}, Enqueued: eventhubtest.Noon})
		}
		position := eventhub.Beginning()
		for n := range 20 {
			r := eventhubtest.StartReading(t, hub, "0", position)
			event := r.Next(t)
			r.Stop(t)
			require.Equal(t, fmt.Sprintf("event %d", n), string(event.Body))
			position = eventhub.After(event)
		}
	})
}

// azure-event-hubs-go cannot read what such a namespace answers.
func TestAPartitionInAGeoReplicatedNamespaceIsOpenedByItsOffset(t *testing.T) {
	server, err := hubtest.Start(hubtest.Config{GeoReplicated: true})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	hub := newTestHub(t, server, forwarder.ClientAzEventHubs)
	appendNumbered(server, "event", 3)
	r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
	last := expectBodies(t, r, "event", 3)
	r.Stop(t)
	reader := azReader{position: eventhub.After(last)}
	assert.Equal(t, azeventhubs.StartPosition{Offset: &last.Offset, Inclusive: true}, reader.start())
	r = eventhubtest.StartReading(t, hub, "0", reader.position)
	server.Append("0", []byte("a"))
	r.Expect(t, 3)
	r.Stop(t)
}
