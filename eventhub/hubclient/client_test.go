package hubclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
	"aks-audit-log-go/internal/hubtest"
	"aks-audit-log-go/internal/hubtest/wire"
)

// leaving is how long the end of a dead connection may take on a busy machine: more than eventhub.CloseTimeout, less
// than the 55 s that azure-event-hubs-go takes without a bound.
const leaving = 15 * eventhub.CloseTimeout

func startEmulator(t *testing.T, partitions int, client forwarder.HubClient) (*hubtest.Server, eventhub.Hub) {
	t.Helper()
	server, err := hubtest.Start(hubtest.Config{Partitions: partitions})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server, newTestHub(t, server, client)
}

// newTestHub returns a client for the emulator, with changes to its variables, NAME=value each.
func newTestHub(t *testing.T, server *hubtest.Server, client forwarder.HubClient, changes ...string) eventhub.Hub {
	t.Helper()
	hub, err := New(eventhubtest.EmulatorConfig(t, server, client, changes...), "reader")
	require.NoError(t, err)
	t.Cleanup(func() { closeHub(t, hub) })
	return hub
}

func closeHub(t *testing.T, hub eventhub.Hub) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), eventhubtest.WaitLimit)
	defer cancel()
	assert.NoError(t, hub.Close(ctx))
}

func TestTheHubReturnsItsPartitionsAndTheirContents(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 3, client)
		partitions, err := hub.PartitionIDs(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"0", "1", "2"}, partitions)

		info, err := hub.PartitionInfo(t.Context(), "1")
		require.NoError(t, err)
		assert.Equal(t, eventhub.NoSequence, info.Last)

		for i := range 5 {
			server.Append("1", fmt.Appendf(nil, "%d", i))
		}
		server.Truncate("1", 2)
		info, err = hub.PartitionInfo(t.Context(), "1")
		require.NoError(t, err)
		assert.Equal(t, int64(2), info.First)
		assert.Equal(t, int64(4), info.Last)
		assert.NotEmpty(t, info.LastOffset)
		assert.WithinDuration(t, time.Now(), info.LastEnqueued, time.Hour)
	})
}

func TestManagementRequestsWorkAgainAfterALostConnection(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		for range 3 {
			_, err := hub.PartitionInfo(t.Context(), "0")
			require.NoError(t, err)
			server.DropConnections()
		}
	})
}

func TestAManagementRequestEndsWithItsContext(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		_, err := hub.PartitionInfo(t.Context(), "0")
		require.NoError(t, err)
		server.GoSilent(true)
		defer server.GoSilent(false)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err = hub.PartitionInfo(ctx, "0")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Less(t, time.Since(began), leaving)
	})
}

func TestEventsComeInOrderFromThePositionOn(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		for i := range 40 {
			server.Append("0", fmt.Appendf(nil, "%d", i))
		}
		first := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
		var offset string
		for i := range 40 {
			event := first.Next(t)
			assert.Equal(t, int64(i), event.Sequence)
			assert.Equal(t, fmt.Sprint(i), string(event.Body))
			assert.WithinDuration(t, time.Now(), event.Enqueued, time.Hour)
			if i == 19 {
				offset = event.Offset
			}
		}
		first.Stop(t)

		for name, from := range map[string]eventhub.Position{
			"an offset":                    {Sequence: 19, Offset: offset},
			"a sequence number alone":      {Sequence: 19},
			"a time and a sequence number": {Sequence: 19, Since: time.Now().Add(-time.Hour)},
		} {
			t.Run(name, func(t *testing.T) {
				second := eventhubtest.StartReading(t, hub, "0", from)
				assert.Equal(t, int64(20), second.Next(t).Sequence)
				second.Stop(t)
			})
		}
	})
}

func TestAnEventOfAMegabyteComesWhole(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		body := bytes.Repeat([]byte("0123456789abcdef"), 65_000)
		server.Append("0", body)
		r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
		assert.True(t, bytes.Equal(body, r.Next(t).Body))
		r.Stop(t)
	})
}

func TestAnEventThatABlockedHandlerDidNotTakeComesAgain(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		server.Append("0", []byte("a"))
		server.Append("0", []byte("b"))
		r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
		assert.Equal(t, "a", string(r.Next(t).Body))
		r.Cancel() // the handler does not take b
		require.NoError(t, r.End(t))
		again := eventhubtest.StartReading(t, hub, "0", eventhub.Position{Sequence: 0})
		assert.Equal(t, "b", string(again.Next(t).Body))
		again.Stop(t)
	})
}

// The two clients displace each other, too: a rolling update can switch from one to the other.
func TestANewReaderDisplacesTheOldOne(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		for _, next := range eventhubtest.HubClients {
			t.Run("by "+string(next), func(t *testing.T) {
				server, hub := startEmulator(t, 1, client)
				server.Append("0", []byte("a"))
				old := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
				old.Next(t)
				successor := eventhubtest.StartReading(t, newTestHub(t, server, next), "0", eventhub.Beginning())
				require.ErrorIs(t, old.End(t), eventhub.ErrDisplaced)
				successor.Next(t)
				successor.Stop(t)
			})
		}
	})
}

// A displacement must be noticed while the sink is down, too, when the reader is in its handler.
func TestAReaderInItsHandlerIsDisplacedAtOnce(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		server.Append("0", []byte("a"))
		inHandler := make(chan struct{})
		done := make(chan error, 1)
		go func() {
			done <- hub.Receive(t.Context(), "0", eventhub.Beginning(), eventhub.Receiver{Handle: func(ctx context.Context, _ eventhub.Event) {
				close(inHandler)
				<-ctx.Done()
			}})
		}()
		<-inHandler
		assert.Equal(t, 1, server.StealLinks("0"))
		select {
		case err := <-done:
			require.ErrorIs(t, err, eventhub.ErrDisplaced)
		case <-time.After(eventhubtest.WaitLimit):
			t.Fatal("the reader did not notice")
		}
	})
}

func TestTheErrorOfAWrongKeySaysWhatToCheckAndShowsNoKey(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, err := hubtest.Start(hubtest.Config{Partitions: 1})
		require.NoError(t, err)
		t.Cleanup(server.Close)
		cfg := eventhubtest.EmulatorConfig(t, server, client)
		cfg.HubConnection.Key = "d3Jvbmcta2V5"
		hub, err := New(cfg, "reader")
		require.NoError(t, err)
		t.Cleanup(func() { closeHub(t, hub) })
		_, asked := hub.PartitionInfo(t.Context(), "0")
		require.ErrorContains(t, asked, "ask the event hub about partition 0")
		received := hub.Receive(t.Context(), "0", eventhub.Beginning(), eventhub.Receiver{Handle: func(context.Context, eventhub.Event) {}})
		require.ErrorContains(t, received, "receive from partition 0")
		for _, err := range []error{asked, received} {
			assert.ErrorContains(t, err, "401")
			assert.Equal(t, 1, strings.Count(err.Error(), "does not accept the key or signature in EHUBNAMESPACECONNECTIONSTRING"), err)
			assert.NotContains(t, err.Error(), "d3Jvbmcta2V5")
		}
	})
}

func TestAnUnknownHubIsAnError(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, err := hubtest.Start(hubtest.Config{Partitions: 1})
		require.NoError(t, err)
		t.Cleanup(server.Close)
		hub := newTestHub(t, server, client, "EVENTHUBNAME=another-hub")
		ctx, cancel := context.WithTimeout(t.Context(), eventhubtest.WaitLimit)
		defer cancel()
		_, err = hub.PartitionIDs(ctx)
		require.ErrorContains(t, err, "ask the event hub for its partitions")
		assert.False(t, errors.Is(err, context.DeadlineExceeded))
	})
}

func TestAnEmptyBodyAndGzipComeAsTheyAre(t *testing.T) {
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		gzip := "GZIP"
		server.Append("0", nil)
		server.AppendMessage("0", hubtest.Message{Body: [][]byte{[]byte("packed")}, Properties: &wire.Properties{ContentEncoding: wire.Symbol(gzip)}})
		r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
		first := r.Next(t)
		assert.Empty(t, first.Body)
		assert.Empty(t, first.Encoding)
		second := r.Next(t)
		assert.Equal(t, "packed", string(second.Body))
		assert.Equal(t, gzip, second.Encoding)
		r.Stop(t)
	})
}

// The consumer's test of the same name checks the other half: how often the hub gets a request.
func TestTheDaemonHasTimeToConnectAgainBeforeTheWatchdogJudges(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: 30 * time.Second, 5 * time.Minute: 30 * time.Second, 4 * time.Second: 2 * time.Second} {
		assert.Equal(t, want, managementTimeout(forwarder.Config{WatchdogTimeout: timeout}), timeout)
	}
}
