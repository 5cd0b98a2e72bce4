package eventhub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/hubtest"
)

// patience is how long a test waits for what has to happen. It bounds failures only.
const patience = 30 * time.Second

func startEmulator(t *testing.T, partitions int) (*hubtest.Server, Hub) {
	t.Helper()
	server, err := hubtest.Start(hubtest.Config{Partitions: partitions})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server, newTestHub(t, server)
}

func newTestHub(t *testing.T, server *hubtest.Server) Hub {
	t.Helper()
	cfg, err := forwarder.Load([]string{
		"EHUBNAMESPACECONNECTIONSTRING=" + server.ConnectionString() + ";",
		"EVENTHUBNAME=" + server.HubName(),
		"CHECKPOINTDIR=" + t.TempDir(), "WEBSINKURL=http://127.0.0.1/",
	})
	require.NoError(t, err)
	hub, err := NewHub(cfg)
	require.NoError(t, err)
	return hub
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

func TestTheHubTellsItsPartitionsAndWhatTheyHold(t *testing.T) {
	server, hub := startEmulator(t, 3)
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
}

func TestEventsComeInOrderFromThePositionOn(t *testing.T) {
	server, hub := startEmulator(t, 1)
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
	first.cancel()
	require.NoError(t, first.end(t))

	for name, from := range map[string]Position{
		"an offset":                    {Sequence: 19, Offset: offset},
		"a sequence number alone":      {Sequence: 19},
		"a time and a sequence number": {Sequence: 19, Since: time.Now().Add(-time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			second := startReading(t, hub, "0", from)
			assert.Equal(t, int64(20), second.next(t).Sequence)
			second.cancel()
			require.NoError(t, second.end(t))
		})
	}
}

func TestAnEventOfAMegabyteComesWhole(t *testing.T) {
	server, hub := startEmulator(t, 1)
	body := bytes.Repeat([]byte("0123456789abcdef"), 65_000)
	server.Append("0", body)
	reading := startReading(t, hub, "0", beginning())
	assert.True(t, bytes.Equal(body, reading.next(t).Body))
	reading.cancel()
	require.NoError(t, reading.end(t))
}

func TestAHandlerThatBlocksHoldsThePartitionAndAnEventNotTakenCountsAsNotHandedOn(t *testing.T) {
	server, hub := startEmulator(t, 1)
	server.Append("0", []byte("a"))
	server.Append("0", []byte("b"))
	reading := startReading(t, hub, "0", beginning())
	assert.Equal(t, "a", string(reading.next(t).Body))
	reading.cancel() // b stands before a handler that does not take it
	require.NoError(t, reading.end(t))
	again := startReading(t, hub, "0", Position{Sequence: 0})
	assert.Equal(t, "b", string(again.next(t).Body))
	again.cancel()
	require.NoError(t, again.end(t))
}

func TestANewReaderDisplacesTheOldOne(t *testing.T) {
	server, hub := startEmulator(t, 1)
	server.Append("0", []byte("a"))
	old := startReading(t, hub, "0", beginning())
	old.next(t)
	successor := startReading(t, newTestHub(t, server), "0", beginning())
	require.ErrorIs(t, old.end(t), ErrDisplaced)
	successor.next(t)
	successor.cancel()
	require.NoError(t, successor.end(t))
}

// Displacement has to be noticed while the sink is down, too: the reader stands in its handler.
func TestAReaderInItsHandlerIsDisplacedAtOnce(t *testing.T) {
	server, hub := startEmulator(t, 1)
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
}

func TestAWrongKeyIsAnErrorThatShowsNoKey(t *testing.T) {
	server, err := hubtest.Start(hubtest.Config{Partitions: 1})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	cfg := forwarder.Config{HubName: server.HubName(), ConsumerGroup: "$Default", HubConnection: forwarder.HubConnection{
		Host: hostOf(t, server), KeyName: "RootManageSharedAccessKey", Key: "d3Jvbmcta2V5",
	}}
	hub, err := NewHub(cfg)
	require.NoError(t, err)
	err = hub.Receive(t.Context(), "0", beginning(), func(context.Context, Event) {})
	require.ErrorContains(t, err, "receive from partition 0")
	assert.ErrorContains(t, err, "401")
	assert.NotContains(t, err.Error(), "d3Jvbmcta2V5")
}

func hostOf(t *testing.T, server *hubtest.Server) string {
	t.Helper()
	cfg, err := forwarder.Load([]string{
		"EHUBNAMESPACECONNECTIONSTRING=" + server.ConnectionString(), "EVENTHUBNAME=" + server.HubName(),
		"CHECKPOINTDIR=" + t.TempDir(), "WEBSINKURL=http://127.0.0.1/",
	})
	require.NoError(t, err)
	return cfg.HubConnection.Host
}

func TestAnUnknownHubIsAnError(t *testing.T) {
	server, err := hubtest.Start(hubtest.Config{Partitions: 1})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	cfg, err := forwarder.Load([]string{
		"EHUBNAMESPACECONNECTIONSTRING=" + server.ConnectionString(), "EVENTHUBNAME=another-hub",
		"CHECKPOINTDIR=" + t.TempDir(), "WEBSINKURL=http://127.0.0.1/",
	})
	require.NoError(t, err)
	hub, err := NewHub(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = hub.PartitionIDs(ctx)
	require.ErrorContains(t, err, "ask the event hub for its partitions")
	assert.False(t, errors.Is(err, context.DeadlineExceeded))
}
