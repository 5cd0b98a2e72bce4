package hubtest

import (
	"context"
	"testing"
	"time"

	eventhub "github.com/Azure/azure-event-hubs-go/v3"
	"github.com/stretchr/testify/require"
)

// These tests use azure-event-hubs-go, the retired client. None of them has it reconnect: it writes
// r.receiver, r.connection and r.session then without a lock, which the race detector reports, and it
// waits ten seconds between attempts. Reconnecting is tested with azeventhubs.

func newHub(t *testing.T, s *Server) *eventhub.Hub {
	t.Helper()
	hub, err := eventhub.NewHubFromConnectionString(s.ConnectionString() + ";EntityPath=" + s.HubName())
	require.NoError(t, err)
	t.Cleanup(func() { _ = hub.Close(testContext(t)) })
	return hub
}

// listen starts a receiver whose events come out of the channel.
func listen(t *testing.T, hub *eventhub.Hub, partition string, options ...eventhub.ReceiveOption) (<-chan *eventhub.Event, *eventhub.ListenerHandle) {
	t.Helper()
	events := make(chan *eventhub.Event)
	handle, err := hub.Receive(testContext(t), partition, func(ctx context.Context, e *eventhub.Event) error {
		select {
		case events <- e:
		case <-ctx.Done():
		}
		return nil
	}, options...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = handle.Close(testContext(t)) })
	return events, handle
}

func next(t *testing.T, events <-chan *eventhub.Event) *eventhub.Event {
	t.Helper()
	select {
	case e := <-events:
		return e
	case <-testContext(t).Done():
		require.FailNow(t, "no event came")
		return nil
	}
}

func TestTheOldClientReadsFromTheStartAndOn(t *testing.T) {
	s := startServer(t, Config{})
	appendBodies(s, "2", 0, 20)
	events, _ := listen(t, newHub(t, s), "2", eventhub.ReceiveWithStartingOffset("-1"), eventhub.ReceiveWithEpoch(0))
	for n := range 20 {
		e := next(t, events)
		require.Equal(t, string(body(n)), string(e.Data))
		require.Equal(t, int64(n), *e.SystemProperties.SequenceNumber)
	}
	s.Append("2", body(20))
	require.Equal(t, string(body(20)), string(next(t, events).Data))
}

func TestTheOldClientReadsFromAnOffsetATimeAndTheEnd(t *testing.T) {
	base := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tc := range []struct {
		name  string
		start func(offset string) eventhub.ReceiveOption
		first int
	}{
		{"offset", eventhub.ReceiveWithStartingOffset, 1},
		{"time", func(string) eventhub.ReceiveOption { return eventhub.ReceiveFromTimestamp(base.Add(2 * time.Second)) }, 3},
		{"end", func(string) eventhub.ReceiveOption { return eventhub.ReceiveWithLatestOffset() }, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, Config{})
			s.AppendMessage("0", Message{Body: [][]byte{body(0)}, Enqueued: base})
			offset := s.Partition("0").LastOffset
			for n := 1; n < 5; n++ {
				s.AppendMessage("0", Message{Body: [][]byte{body(n)}, Enqueued: base.Add(time.Duration(n) * time.Second)})
			}
			events, _ := listen(t, newHub(t, s), "0", tc.start(offset))
			s.Append("0", body(5))
			for n := tc.first; n <= 5; n++ {
				require.Equal(t, string(body(n)), string(next(t, events).Data))
			}
		})
	}
}

func TestTheOldClientReadsBigAndManyMessages(t *testing.T) {
	s := startServer(t, Config{})
	s.Append("0", make([]byte, 1<<20))
	appendBodies(s, "0", 1, 3001)
	events, _ := listen(t, newHub(t, s), "0", eventhub.ReceiveWithStartingOffset("-1"), eventhub.ReceiveWithPrefetchCount(9))
	require.Len(t, next(t, events).Data, 1<<20)
	for n := 1; n <= 3000; n++ {
		require.Equal(t, string(body(n)), string(next(t, events).Data))
	}
}

func TestTheOldClientIsToldOfHubAndPartitions(t *testing.T) {
	s := startServer(t, Config{Partitions: 3})
	appendBodies(s, "1", 0, 4)
	hub := newHub(t, s)
	info, err := hub.GetRuntimeInformation(testContext(t))
	require.NoError(t, err)
	require.Equal(t, []string{"0", "1", "2"}, info.PartitionIDs)
	require.Equal(t, 3, info.PartitionCount)
	require.Equal(t, s.HubName(), info.Path)
	p, err := hub.GetPartitionInformation(testContext(t), "1")
	require.NoError(t, err)
	want := s.Partition("1")
	require.Equal(t, want.LastSequence, p.LastSequenceNumber)
	require.Equal(t, want.LastOffset, p.LastEnqueuedOffset)
	require.Equal(t, want.Begin, p.BeginningSequenceNumber)
	require.True(t, want.LastEnqueued.Equal(p.LastEnqueuedTimeUtc))
	empty, err := hub.GetPartitionInformation(testContext(t), "0")
	require.NoError(t, err)
	require.Equal(t, int64(-1), empty.LastSequenceNumber)
	require.Equal(t, "-1", empty.LastEnqueuedOffset)
}

func TestTheOldClientSendsSingleEventsAndBatches(t *testing.T) {
	s := startServer(t, Config{Partitions: 1})
	hub := newHub(t, s)
	require.NoError(t, hub.Send(testContext(t), eventhub.NewEvent(body(0))))
	batch := []*eventhub.Event{eventhub.NewEvent(body(1)), eventhub.NewEvent(body(2))}
	require.NoError(t, hub.SendBatch(testContext(t), eventhub.NewEventBatchIterator(batch...)))
	events, _ := listen(t, hub, "0", eventhub.ReceiveWithStartingOffset("-1"))
	for n := range 3 {
		require.Equal(t, string(body(n)), string(next(t, events).Data))
	}
}

func TestTheOldClientIsDisplacedByAnEqualEpoch(t *testing.T) {
	s := startServer(t, Config{})
	_, first := listen(t, newHub(t, s), "0", eventhub.ReceiveWithEpoch(0))
	events, _ := listen(t, newHub(t, s), "0", eventhub.ReceiveWithStartingOffset("-1"), eventhub.ReceiveWithEpoch(0))
	select {
	case <-first.Done():
	case <-testContext(t).Done():
		require.FailNow(t, "the first receiver goes on")
	}
	s.Append("0", body(0))
	require.Equal(t, string(body(0)), string(next(t, events).Data))
	require.Equal(t, 1, s.Receivers("0"))
}
