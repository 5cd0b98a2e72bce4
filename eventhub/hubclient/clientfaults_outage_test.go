package hubclient

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	eventhubs "github.com/Azure/azure-event-hubs-go/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
	"aks-audit-log-go/internal/hubtest"
)

// leak is what a closed client has not released.
type leak struct {
	Goroutines, Connections int
}

// failedReceives is how often failToReceive calls Receive.
const failedReceives = 3

// failToReceive lets Receive fail a few times, closes the client, and waits until no more than stays is left.
func failToReceive(t *testing.T, client forwarder.HubClient, stays leak) leak {
	t.Helper()
	server := startServer(t)
	server.RefuseAttaches("amqp:not-found")
	hub := newTestHub(t, server, client)
	for range failedReceives {
		err := hub.Receive(t.Context(), "0", eventhub.Beginning(), eventhub.Receiver{Handle: func(context.Context, eventhub.Event) {}})
		require.ErrorContains(t, err, "amqp:not-found")
	}
	require.NoError(t, hub.Close(t.Context()))
	require.Eventually(t, func() bool {
		return amqpGoroutines() <= stays.Goroutines && server.Connections() <= stays.Connections
	}, eventhubtest.WaitLimit, 10*time.Millisecond, "what does not stay goes")
	return leak{Goroutines: amqpGoroutines(), Connections: server.DropConnections()}
}

// amqpGoroutines counts the goroutines of the AMQP library that both clients use. The emulator has none.
func amqpGoroutines() int {
	count := 0
	for stack := range strings.SplitSeq(allStacks(), "\n\n") {
		if strings.Contains(stack, "github.com/Azure/go-amqp.") {
			count++
		}
	}
	return count
}

func allStacks() string {
	stacks := make([]byte, 1<<20)
	return string(stacks[:runtime.Stack(stacks, true)])
}

// readOn waits for the next event, and calls Receive again when it ends, as a partition does.
func readOn(t *testing.T, hub eventhub.Hub, reading *eventhubtest.Reading, from eventhub.Position) eventhub.Event {
	t.Helper()
	for {
		event, err := reading.NextOrEnd(t)
		if err == nil {
			reading.Cancel()
			require.NoError(t, reading.End(t))
			return event
		}
		t.Logf("receiving ended, and is begun again: %v", err)
		reading = eventhubtest.StartReading(t, hub, "0", from)
	}
}

func TestReceivesThatFail(t *testing.T) {
	t.Run(string(oldClient)+" leaks a connection and three goroutines each time", func(t *testing.T) {
		want := leak{Goroutines: 3 * failedReceives, Connections: failedReceives}
		inChild(t, func(t *testing.T) leak { return failToReceive(t, oldClient, want) },
			func(t *testing.T, child run[leak]) {
				assert.Equal(t, want, child.requireFinished(t))
			})
	})
	t.Run(string(newClient)+" leaks nothing", func(t *testing.T) {
		assert.Zero(t, failToReceive(t, newClient, leak{}))
	})
}

// reconnectOften loses the connection while each of five events is being handled, and returns what came.
func reconnectOften(t *testing.T, client forwarder.HubClient) []int64 {
	t.Helper()
	server := startServer(t)
	hub := newTestHub(t, server, client)
	ctx, cancel := context.WithCancel(t.Context())
	handling, handled, ended := make(chan int64), make(chan bool), make(chan error, 1)
	go func() {
		ended <- hub.Receive(ctx, "0", eventhub.Beginning(), eventhub.Receiver{Handle: func(_ context.Context, event eventhub.Event) {
			handling <- event.Sequence
			<-handled
		}})
	}()
	var sequences []int64
	for i := range 5 {
		server.Append("0", fmt.Appendf(nil, "%d", i))
		select {
		case sequence := <-handling:
			sequences = append(sequences, sequence)
		case <-time.After(eventhubtest.WaitLimit):
			t.Fatalf("event %d did not come", i)
		}
		server.DropConnections()
		awaitReceiver(t, server)
		handled <- true
	}
	cancel()
	require.NoError(t, <-ended)
	return sequences
}

func awaitReceiver(t *testing.T, server *hubtest.Server) {
	t.Helper()
	require.Eventually(t, func() bool { return server.Receivers("0") == 1 }, eventhubtest.WaitLimit, 5*time.Millisecond, "the client reads")
}

func TestConnectionsThatAreLost(t *testing.T) {
	all := []int64{0, 1, 2, 3, 4}
	t.Run(string(oldClient)+" goes on behind the last event but races", func(t *testing.T) {
		inChild(t, func(t *testing.T) []int64 { return reconnectOften(t, oldClient) },
			func(t *testing.T, child run[[]int64]) {
				assert.Equal(t, all, child.requireFinished(t))
				if raceDetector {
					assert.Contains(t, child.printed, "WARNING: DATA RACE")
					assert.Contains(t, child.printed, "azure-event-hubs-go/v3.(*receiver).newSessionAndLink")
				}
			})
	})
	t.Run(string(newClient)+" goes on behind the last event", func(t *testing.T) {
		assert.Equal(t, all, reconnectOften(t, newClient))
	})
}

// outage drops all connections, appends two events to the partition, and lets the hub answer again.
func outage(server *hubtest.Server) {
	server.GoSilent(true)
	server.DropConnections()
	server.Append("0", []byte("during the outage"))
	server.Append("0", []byte("during it, too"))
	server.GoSilent(false)
}

// startLatest starts like the daemon with EVENTHUBSTARTPOSITION=latest, and has an outage before any event came. It
// returns the first event that comes.
func startLatest(t *testing.T, client forwarder.HubClient) string {
	t.Helper()
	server := startServer(t)
	server.Append("0", []byte("before the start"))
	hub := newTestHub(t, server, client)
	info, err := hub.PartitionInfo(t.Context(), "0")
	require.NoError(t, err)
	latest := eventhub.Position{Sequence: info.Last, Offset: info.LastOffset}
	reading := eventhubtest.StartReading(t, hub, "0", latest)
	awaitReceiver(t, server)
	outage(server)
	return string(readOn(t, hub, reading, latest).Body)
}

// oldSDKLatest does the same with the SDK of the old client, told to start at the latest event.
func oldSDKLatest(t *testing.T) string {
	t.Helper()
	server := startServer(t)
	server.Append("0", []byte("before the start"))
	hub, err := eventhubs.NewHubFromConnectionString(server.ConnectionString() + ";EntityPath=" + server.HubName())
	require.NoError(t, err)
	bodies := make(chan string, 10)
	listener, err := hub.Receive(t.Context(), "0", func(_ context.Context, event *eventhubs.Event) error {
		bodies <- string(event.Data)
		return nil
	}, eventhubs.ReceiveWithLatestOffset())
	require.NoError(t, err)
	awaitReceiver(t, server)
	outage(server)
	awaitReceiver(t, server)
	server.Append("0", []byte("after the outage"))
	first := <-bodies
	_ = listener.Close(t.Context()) // it may fail with the EOF of the outage
	return first
}

func TestAStartAtTheLatestEventWithAnOutageBehindIt(t *testing.T) {
	t.Run(string(oldClient)+" told latest loses what came in during the outage", func(t *testing.T) {
		inChild(t, oldSDKLatest, func(t *testing.T, child run[string]) {
			assert.Equal(t, "after the outage", child.requireFinished(t))
		})
	})
	t.Run(string(oldClient)+" told a place by us loses nothing", func(t *testing.T) {
		inChild(t, func(t *testing.T) string { return startLatest(t, oldClient) }, func(t *testing.T, child run[string]) {
			assert.Equal(t, "during the outage", child.requireFinished(t))
		})
	})
	t.Run(string(newClient)+" told a place by us loses nothing", func(t *testing.T) {
		assert.Equal(t, "during the outage", startLatest(t, newClient))
	})
}

// leaveDeadConnection reads an event, lets the connection go dead, ends receiving, and returns how long that took.
func leaveDeadConnection(t *testing.T, client forwarder.HubClient) time.Duration {
	t.Helper()
	server := startServer(t)
	server.Append("0", []byte("a"))
	reading := eventhubtest.StartReading(t, newTestHub(t, server, client), "0", eventhub.Beginning())
	reading.Next(t)
	server.GoSilent(true)
	defer server.GoSilent(false)
	began := time.Now()
	reading.Cancel()
	require.NoError(t, reading.End(t))
	return time.Since(began)
}

func TestADeadConnectionIsAbandoned(t *testing.T) {
	// The SDK of the old client alone takes 55 s: clientfaults_torture_test.go.
	t.Run(string(oldClient)+" has its time limited by us", func(t *testing.T) {
		inChild(t, func(t *testing.T) time.Duration { return leaveDeadConnection(t, oldClient) },
			func(t *testing.T, child run[time.Duration]) {
				assert.Less(t, child.requireFinished(t), leaving)
			})
	})
	t.Run(string(newClient), func(t *testing.T) {
		assert.Less(t, leaveDeadConnection(t, newClient), leaving)
	})
}
