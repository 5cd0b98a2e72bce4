package eventhub

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

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/hubtest"
	"aks-audit-log-go/internal/hubtest/wire"
)

// patience is how long a test waits for what has to happen. It bounds failures only.
const patience = 30 * time.Second

// hubClients are the implementations of Hub. What both have to do is tested with either.
var hubClients = []forwarder.HubClient{forwarder.ClientAzEventHubs, forwarder.ClientAzureEventHubsGo}

// withEachClient runs a test once with each of them.
func withEachClient(t *testing.T, test func(t *testing.T, client forwarder.HubClient)) {
	t.Helper()
	for _, client := range hubClients {
		t.Run(string(client), func(t *testing.T) { test(t, client) })
	}
}

func startEmulator(t *testing.T, partitions int, client forwarder.HubClient) (*hubtest.Server, Hub) {
	t.Helper()
	server, err := hubtest.Start(hubtest.Config{Partitions: partitions})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server, newTestHub(t, server, client)
}

// newTestHub is a client for the emulator, with changes to its variables, NAME=value each.
func newTestHub(t *testing.T, server *hubtest.Server, client forwarder.HubClient, changes ...string) Hub {
	t.Helper()
	hub, err := NewHub(testConfig(t, server, client, changes...))
	require.NoError(t, err)
	t.Cleanup(func() { closeHub(t, hub) })
	return hub
}

func closeHub(t *testing.T, hub Hub) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	assert.NoError(t, hub.Close(ctx))
}

func testConfig(t *testing.T, server *hubtest.Server, client forwarder.HubClient, changes ...string) forwarder.Config {
	t.Helper()
	set := map[string]string{
		"EHUBNAMESPACECONNECTIONSTRING": server.ConnectionString() + ";", "EVENTHUBNAME": server.HubName(),
		"EVENTHUBCLIENT": string(client), "CHECKPOINTDIR": t.TempDir(), "WEBSINKURL": "http://127.0.0.1/",
	}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		set[name] = value
	}
	var environ []string
	for name, value := range set {
		environ = append(environ, name+"="+value)
	}
	cfg, err := forwarder.Load(environ)
	require.NoError(t, err)
	return cfg
}

// reading is a Receive under way.
type reading struct {
	events chan Event
	done   chan error
	cancel context.CancelFunc
}

func startReading(t *testing.T, hub Hub, partition string, from Position) *reading {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &reading{events: make(chan Event), done: make(chan error, 1), cancel: cancel}
	go func() {
		r.done <- hub.Receive(ctx, partition, from, func(ctx context.Context, event Event) {
			select {
			case r.events <- event:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(cancel)
	return r
}

func (r *reading) next(t *testing.T) Event {
	t.Helper()
	select {
	case event := <-r.events:
		return event
	case err := <-r.done:
		t.Fatalf("receiving ended: %v", err)
	case <-time.After(patience):
		t.Fatal("no event came")
	}
	return Event{}
}

func (r *reading) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(patience):
		t.Fatal("receiving did not end")
		return nil
	}
}

// expect waits for these sequence numbers, in this order and nothing between.
func (r *reading) expect(t *testing.T, sequences ...int64) {
	t.Helper()
	for _, sequence := range sequences {
		require.Equal(t, sequence, r.next(t).Sequence)
	}
}

// stop ends the reading as its caller, which is no failure.
func (r *reading) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	require.NoError(t, r.end(t))
}

func TestTheHubTellsItsPartitionsAndWhatTheyHold(t *testing.T) {
	withEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 3, client)
		partitions, err := hub.PartitionIDs(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"0", "1", "2"}, partitions)

		info, err := hub.PartitionInfo(t.Context(), "1")
		require.NoError(t, err)
		assert.Equal(t, noSequence, info.Last)

		for i := range 5 {
			server.Append("1", fmt.Appendf(nil, "%d", i))
		}
		server.Truncate("1", 2)
		info, err = hub.PartitionInfo(t.Context(), "1")
		require.NoError(t, err)
		assert.Equal(t, int64(2), info.First)
		assert.Equal(t, int64(4), info.Last)
		assert.NotEmpty(t, info.LastOffset)
		assert.WithinDuration(t, time.Now(), info.LastEnqueued, time.Minute)
	})
}

func TestEventsComeInOrderFromThePositionOn(t *testing.T) {
	withEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		for i := range 40 {
			server.Append("0", fmt.Appendf(nil, "%d", i))
		}
		first := startReading(t, hub, "0", beginning())
		var offset string
		for i := range 40 {
			event := first.next(t)
			assert.Equal(t, int64(i), event.Sequence)
			assert.Equal(t, fmt.Sprint(i), string(event.Body))
			assert.WithinDuration(t, time.Now(), event.Enqueued, time.Minute)
			if i == 19 {
				offset = event.Offset
			}
		}
		first.stop(t)

		for name, from := range map[string]Position{
			"an offset":                    {Sequence: 19, Offset: offset},
			"a sequence number alone":      {Sequence: 19},
			"a time and a sequence number": {Sequence: 19, Since: time.Now().Add(-time.Hour)},
		} {
			t.Run(name, func(t *testing.T) {
				second := startReading(t, hub, "0", from)
				assert.Equal(t, int64(20), second.next(t).Sequence)
				second.stop(t)
			})
		}
	})
}

func TestAnEventOfAMegabyteComesWhole(t *testing.T) {
	withEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		body := bytes.Repeat([]byte("0123456789abcdef"), 65_000)
		server.Append("0", body)
		r := startReading(t, hub, "0", beginning())
		assert.True(t, bytes.Equal(body, r.next(t).Body))
		r.stop(t)
	})
}

func TestAHandlerThatBlocksHoldsThePartitionAndAnEventNotTakenCountsAsNotHandedOn(t *testing.T) {
	withEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		server.Append("0", []byte("a"))
		server.Append("0", []byte("b"))
		r := startReading(t, hub, "0", beginning())
		assert.Equal(t, "a", string(r.next(t).Body))
		r.cancel() // b stands before a handler that does not take it
		require.NoError(t, r.end(t))
		again := startReading(t, hub, "0", Position{Sequence: 0})
		assert.Equal(t, "b", string(again.next(t).Body))
		again.stop(t)
	})
}

// The clients displace each other, too: a rolling update may go from one to the other.
func TestANewReaderDisplacesTheOldOne(t *testing.T) {
	withEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		for _, next := range hubClients {
			t.Run("by "+string(next), func(t *testing.T) {
				server, hub := startEmulator(t, 1, client)
				server.Append("0", []byte("a"))
				old := startReading(t, hub, "0", beginning())
				old.next(t)
				successor := startReading(t, newTestHub(t, server, next), "0", beginning())
				require.ErrorIs(t, old.end(t), ErrDisplaced)
				successor.next(t)
				successor.stop(t)
			})
		}
	})
}

// Displacement has to be noticed while the sink is down, too: the reader stands in its handler.
func TestAReaderInItsHandlerIsDisplacedAtOnce(t *testing.T) {
	withEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		server.Append("0", []byte("a"))
		inHandler := make(chan struct{})
		done := make(chan error, 1)
		go func() {
			done <- hub.Receive(t.Context(), "0", beginning(), func(ctx context.Context, _ Event) {
				close(inHandler)
				<-ctx.Done()
			})
		}()
		<-inHandler
		assert.Equal(t, 1, server.StealLinks("0"))
		select {
		case err := <-done:
			require.ErrorIs(t, err, ErrDisplaced)
		case <-time.After(patience):
			t.Fatal("the reader did not notice")
		}
	})
}

func TestAWrongKeyIsAnErrorThatSaysWhatToLookAtAndShowsNoKey(t *testing.T) {
	withEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, err := hubtest.Start(hubtest.Config{Partitions: 1})
		require.NoError(t, err)
		t.Cleanup(server.Close)
		cfg := testConfig(t, server, client)
		cfg.HubConnection.Key = "d3Jvbmcta2V5"
		hub, err := NewHub(cfg)
		require.NoError(t, err)
		t.Cleanup(func() { closeHub(t, hub) })
		_, asked := hub.PartitionInfo(t.Context(), "0")
		require.ErrorContains(t, asked, "ask the event hub about partition 0")
		received := hub.Receive(t.Context(), "0", beginning(), func(context.Context, Event) {})
		require.ErrorContains(t, received, "receive from partition 0")
		for _, err := range []error{asked, received} {
			assert.ErrorContains(t, err, "401")
			assert.Equal(t, 1, strings.Count(err.Error(), "does not accept the key or signature in EHUBNAMESPACECONNECTIONSTRING"), err)
			assert.NotContains(t, err.Error(), "d3Jvbmcta2V5")
		}
	})
}

func TestAnUnknownHubIsAnError(t *testing.T) {
	withEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, err := hubtest.Start(hubtest.Config{Partitions: 1})
		require.NoError(t, err)
		t.Cleanup(server.Close)
		hub := newTestHub(t, server, client, "EVENTHUBNAME=another-hub")
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err = hub.PartitionIDs(ctx)
		require.ErrorContains(t, err, "ask the event hub for its partitions")
		assert.False(t, errors.Is(err, context.DeadlineExceeded))
	})
}

func TestAnEmptyBodyAndGzipComeAsTheyAre(t *testing.T) {
	withEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, hub := startEmulator(t, 1, client)
		gzip := "GZIP"
		server.Append("0", nil)
		server.AppendMessage("0", hubtest.Message{Body: [][]byte{[]byte("packed")}, Properties: &wire.Properties{ContentEncoding: wire.Symbol(gzip)}})
		r := startReading(t, hub, "0", beginning())
		first := r.next(t)
		assert.Empty(t, first.Body)
		assert.Empty(t, first.Encoding)
		second := r.next(t)
		assert.Equal(t, "packed", string(second.Body))
		assert.Equal(t, gzip, second.Encoding)
		r.stop(t)
	})
}
