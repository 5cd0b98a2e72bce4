package hubclient

import (
	"context"
	"fmt"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	logtest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
	"aks-audit-log-go/internal/hubtest"
	"aks-audit-log-go/internal/hubtest/wire"
	"aks-audit-log-go/internal/retry"
)

// These tests are for azeventhubs only: azure-event-hubs-go panics, hangs or has data races in these cases.

func startAzEmulator(t *testing.T, changes ...string) (*hubtest.Server, eventhub.Hub) {
	t.Helper()
	server, err := hubtest.Start(hubtest.Config{Partitions: 1})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server, newTestHub(t, server, forwarder.ClientAzEventHubs, changes...)
}

// readAll reads all events of partition 0.
func readAll(t *testing.T, server *hubtest.Server, hub eventhub.Hub) []eventhub.Event {
	t.Helper()
	r := eventhubtest.StartReading(t, reopeningHub{hub}, "0", eventhub.Beginning())
	var events []eventhub.Event
	for range server.Partition("0").LastSequence + 1 {
		events = append(events, r.Next(t))
	}
	r.Stop(t)
	return events
}

// reopeningHub opens a partition again after Receive failed, as its owner does. On a busy machine, the client can
// mistake a partition for a quiet one.
type reopeningHub struct{ eventhub.Hub }

func (h reopeningHub) Receive(ctx context.Context, partition string, from eventhub.Position, receiver eventhub.Receiver) error {
	log, _ := logtest.NewNullLogger()
	return retry.Do(ctx, log, "receive", func() error {
		return h.Hub.Receive(ctx, partition, from, eventhub.Receiver{Handle: func(ctx context.Context, event eventhub.Event) {
			receiver.Handle(ctx, event)
			if ctx.Err() == nil {
				from = eventhub.After(event)
			}
		}})
	}, eventhub.ErrDisplaced, eventhub.ErrConflict)
}

func TestABodyIsTakenFromWhicheverSectionItIsIn(t *testing.T) {
	good := `{"records":[]}`
	tests := map[string]struct {
		message hubtest.Message
		want    string
	}{
		"no body":               {hubtest.Message{}, ""},
		"an empty data section": {hubtest.Message{Body: [][]byte{{}}}, ""},
		"several data sections": {hubtest.Message{Body: [][]byte{[]byte(`{"rec`), nil, []byte(`ords":[]}`)}}, good},
		"a text value":          {hubtest.Message{Value: good}, good},
		"a binary value":        {hubtest.Message{Value: []byte(good)}, good},
		"an empty text value":   {hubtest.Message{Value: ""}, ""},
		"a number":              {hubtest.Message{Value: int64(42)}, "42"},
		"a boolean":             {hubtest.Message{Value: true}, "true"},
		"a list":                {hubtest.Message{Value: wire.List{"a", int64(1), nil}}, `["a",1,null]`},
		"a map":                 {hubtest.Message{Value: wire.Map{{Key: "records", Value: wire.List{wire.Map{{Key: int64(1), Value: "x"}}}}}}, `{"records":[{"1":"x"}]}`},
		"a sequence":            {hubtest.Message{Sequence: []any{"a", wire.Map{{Key: "b", Value: int64(2)}}}}, `[["a",{"b":2}]]`},
		"an empty sequence":     {hubtest.Message{Sequence: []any{}}, `[[]]`},
	}
	server, hub := startAzEmulator(t)
	var names []string
	for name, test := range tests {
		require.GreaterOrEqual(t, server.AppendMessage("0", test.message), int64(0), name)
		names = append(names, name)
	}
	for i, event := range readAll(t, server, hub) {
		test := tests[names[i]]
		assert.Equal(t, int64(i), event.Sequence, names[i])
		assert.Empty(t, event.Unreadable, names[i])
		assert.NotEmpty(t, event.Offset, names[i])
		assert.WithinDuration(t, time.Now(), event.Enqueued, time.Hour, names[i])
		assert.Equal(t, test.want, string(event.Body), names[i])
	}
}

func TestAValueThatJSONCannotHoldIsKeptAsText(t *testing.T) {
	assert.Equal(t, "NaN", string(asJSON(math.NaN())))
}

// annotated returns a message with one annotation changed, or left out if value is nil.
func annotated(name string, value any) hubtest.Message {
	return hubtest.Message{Body: [][]byte{[]byte("odd")}, Annotations: map[string]any{name: value}}
}

func TestAnEventWithAMissingAnnotationIsNotLost(t *testing.T) {
	for _, missing := range []string{"x-opt-sequence-number", "x-opt-offset", "x-opt-enqueued-time"} {
		t.Run(missing, func(t *testing.T) {
			server, hub := startAzEmulator(t)
			for _, message := range []hubtest.Message{
				annotated(missing, nil), {}, annotated(missing, nil), annotated(missing, nil), {}, annotated(missing, nil),
			} {
				server.AppendMessage("0", message)
			}
			for i, event := range readAll(t, server, hub) {
				odd := i != 1 && i != 4
				assert.Equal(t, int64(i), event.Sequence)
				assert.Equal(t, odd && missing == "x-opt-offset", event.Offset == "", i)
				assert.Equal(t, odd && missing == "x-opt-enqueued-time", event.Enqueued.IsZero(), i)
				assert.Equal(t, odd, string(event.Body) == "odd", i)
			}
		})
	}
}

// The SDK takes such an event for event 0, and would continue after it.
func TestAnEventWithoutASequenceNumberDoesNotComeTwiceAfterAReconnect(t *testing.T) {
	server, hub := startAzEmulator(t)
	server.Append("0", []byte("0"))
	server.AppendMessage("0", hubtest.Message{Body: [][]byte{[]byte("1")}, Annotations: map[string]any{"x-opt-sequence-number": nil}})
	r := startRetrying(t, hub)
	for _, body := range []string{"0", "1", "2", "3"} {
		assert.Equal(t, body, string(r.Next(t).Body))
		if body == "1" {
			server.DropConnections()
			server.Append("0", []byte("2"))
			server.Append("0", []byte("3"))
		}
	}
	r.Stop(t)
}

// Retention has removed the events before it, so the sequence number cannot be derived from the last event.
func TestAFirstEventWithoutASequenceNumberGetsThatOfTheOldest(t *testing.T) {
	server, hub := startAzEmulator(t)
	for range 7 {
		server.Append("0", []byte("gone"))
	}
	server.AppendMessage("0", annotated("x-opt-sequence-number", nil))
	server.Append("0", []byte("good"))
	server.Truncate("0", 7)
	for name, from := range map[string]eventhub.Position{"from the beginning": eventhub.Beginning(), "after a checkpoint": {Sequence: 3}} {
		t.Run(name, func(t *testing.T) {
			r := eventhubtest.StartReading(t, hub, "0", from)
			r.Expect(t, 7, 8)
			r.Stop(t)
		})
	}
}

// The SDK drops such an event. It returns no error if it can continue with the next one.
func TestAnEventThatTheSDKCannotConvertIsHandedOnAsUnreadable(t *testing.T) {
	oddTypes := map[string]any{
		"x-opt-sequence-number": "seven",
		"x-opt-enqueued-time":   "noon",
		"x-opt-offset":          int64(1),
		"x-opt-partition-key":   int64(1),
	}
	for name, value := range oddTypes {
		for place, odd := range map[string][]bool{
			"one between":     {false, true, false},
			"one at first":    {true, false, false},
			"many at a time":  {false, true, true, true, true, true, false},
			"every other one": {true, false, true, false, true, false},
			"two at last":     {false, true, true},
			"none but those":  {true, true},
		} {
			t.Run(name+", "+place, func(t *testing.T) {
				t.Parallel()
				server, hub := startAzEmulator(t)
				shortenQuiet(t, hub)
				for _, odd := range odd {
					if odd {
						server.AppendMessage("0", annotated(name, value))
					} else {
						server.Append("0", []byte("good"))
					}
				}
				for i, event := range readAll(t, server, hub) {
					assert.Equal(t, int64(i), event.Sequence)
					assert.Equal(t, odd[i], event.Unreadable != "", "%d: %s", i, event.Unreadable)
					assert.Equal(t, !odd[i], string(event.Body) == "good")
				}
			})
		}
	}
}

// Given time, the SDK skips such an event and returns the next one.
func TestAnEventThatTheSDKSkipsIsRequestedAgain(t *testing.T) {
	server, hub := startAzEmulator(t)
	server.Append("0", []byte("good"))
	server.AppendMessage("0", annotated("x-opt-offset", int64(1)))
	server.Append("0", []byte("good"))
	for i, event := range readAll(t, server, hub) {
		assert.Equal(t, int64(i), event.Sequence)
		assert.Equal(t, i == 1, event.Unreadable != "")
	}
}

// After such an event the SDK waits, without an error, for one that it can read.
func TestANewestEventThatTheSDKCannotConvertIsFoundWhenThePartitionIsQuiet(t *testing.T) {
	server, hub := startAzEmulator(t)
	shortenQuiet(t, hub)
	server.Append("0", []byte("good"))
	server.AppendMessage("0", annotated("x-opt-enqueued-time", "noon"))
	r := eventhubtest.StartReading(t, reopeningHub{hub}, "0", eventhub.Beginning())
	r.Expect(t, 0)
	event := r.Next(t)
	assert.Equal(t, int64(1), event.Sequence)
	assert.NotEmpty(t, event.Unreadable)
	server.Append("0", []byte("good"))
	r.Expect(t, 2)
	r.Stop(t)
}

// quietMoment is quietTimeout for these tests. On a busy machine, opening a partition takes a while.
const quietMoment = time.Second

// shortenQuiet sets the client's quiet time to quietMoment. Call it before reading.
func shortenQuiet(t *testing.T, hub eventhub.Hub) *azEventHubs {
	t.Helper()
	az, ok := hub.(*azEventHubs)
	require.True(t, ok)
	az.quiet, az.management.timeout = quietMoment, eventhubtest.WaitLimit
	return az
}

func TestAQuietPartitionStaysOpen(t *testing.T) {
	server, hub := startAzEmulator(t)
	shortenQuiet(t, hub)
	server.Append("0", []byte("a"))
	r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
	r.Expect(t, 0)
	for sequence := range int64(2) {
		select {
		case event := <-r.Events:
			t.Fatalf("event %d came", event.Sequence)
		case err := <-r.Done:
			t.Fatalf("receiving ended: %v", err)
		case <-time.After(5 * quietMoment / 2): // quiet, and asked, twice
		}
		require.Equal(t, 1, server.Receivers("0"))
		server.Append("0", []byte("a"))
		r.Expect(t, sequence+1)
	}
	r.Stop(t)
}

func TestAPartitionThatRetentionHasEmptiedIsQuiet(t *testing.T) {
	server, hub := startAzEmulator(t)
	shortenQuiet(t, hub)
	for range 3 {
		server.Append("0", []byte("gone"))
	}
	server.Truncate("0", 3)
	r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
	select {
	case event := <-r.Events:
		t.Fatalf("event %d came", event.Sequence)
	case err := <-r.Done:
		t.Fatalf("receiving ended: %v", err)
	case <-time.After(2 * quietMoment):
	}
	server.Append("0", []byte("a"))
	r.Expect(t, 3)
	r.Stop(t)
}

func TestAHubThatStopsAnsweringIsAnError(t *testing.T) {
	server, hub := startAzEmulator(t)
	shortenQuiet(t, hub).management.timeout = 10 * time.Second
	server.Append("0", []byte("a"))
	r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
	r.Expect(t, 0)
	server.GoSilent(true)
	t.Cleanup(func() { server.GoSilent(false) })
	select {
	case err := <-r.Done:
		require.ErrorContains(t, err, "receive from partition 0")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	case <-time.After(eventhubtest.WaitLimit):
		t.Fatal("receiving did not end")
	}
	server.GoSilent(false)
	again := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
	again.Expect(t, 0)
	again.Stop(t)
}

func TestEventsThatRetentionRemovedAreSkipped(t *testing.T) {
	server, hub := startAzEmulator(t)
	for range 10 {
		server.Append("0", []byte("a"))
	}
	server.Truncate("0", 5)
	for name, from := range map[string]eventhub.Position{"from the beginning": eventhub.Beginning(), "after a checkpoint": {Sequence: 2}} {
		t.Run(name, func(t *testing.T) {
			r := eventhubtest.StartReading(t, hub, "0", from)
			r.Expect(t, 5, 6, 7, 8, 9)
			r.Stop(t)
		})
	}
}

// Retention overtakes a reader that is too slow.
func TestAGapThatRemainsIsSkipped(t *testing.T) {
	server, hub := startAzEmulator(t, "EVENTHUBPREFETCH=1")
	for range 20 {
		server.Append("0", []byte("a"))
	}
	r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
	r.Expect(t, 0)
	server.Truncate("0", 15)
	last := int64(0)
	for last < 15 {
		event := r.Next(t)
		require.Greater(t, event.Sequence, last)
		require.Empty(t, event.Unreadable)
		last = event.Sequence
	}
	require.Equal(t, int64(15), last)
	r.Expect(t, 16, 17, 18, 19)
	r.Stop(t)
}

func TestTheFirstEventOfATimeIsFound(t *testing.T) {
	server, hub := startAzEmulator(t)
	for i := range 5 {
		server.AppendMessage("0", hubtest.Message{Enqueued: eventhubtest.Noon.Add(time.Duration(i) * time.Minute)})
	}
	r := eventhubtest.StartReading(t, hub, "0", eventhub.Position{Sequence: eventhub.NoSequence, Since: eventhubtest.Noon.Add(90 * time.Second)})
	r.Expect(t, 2, 3, 4)
	r.Stop(t)
}

// Wherever the link is cut, reading continues after the last event handed on: no event is lost or comes twice.
func TestReadingGoesOnAfterACut(t *testing.T) {
	conditions := []string{
		"amqp:link:detach-forced", "amqp:connection:forced", "amqp:internal-error", "amqp:transfer-limit-exceeded",
		"com.microsoft:server-busy", "com.microsoft:timeout", "com.microsoft:operation-cancelled",
	}
	cuts := map[string]func(*hubtest.Server){
		"connections dropped": func(s *hubtest.Server) { s.DropConnections() },
		"claims expired":      (*hubtest.Server).ExpireClaims,
	}
	for _, condition := range conditions {
		cuts["detached: "+condition] = func(s *hubtest.Server) { s.Detach("0", condition, "cut by the test") }
	}
	for name, cut := range cuts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, hub := startAzEmulator(t)
			r := startRetrying(t, hub)
			next := int64(0)
			for range 3 {
				for range 20 {
					server.Append("0", []byte("a"))
				}
				for range 10 {
					r.Expect(t, next)
					next++
				}
				cut(server)
				for range 10 {
					r.Expect(t, next)
					next++
				}
			}
			r.Stop(t)
		})
	}
}

// startRetrying reads like a partition: after Receive fails, it calls Receive again after the last event that came.
func startRetrying(t *testing.T, hub eventhub.Hub) *eventhubtest.Reading {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &eventhubtest.Reading{Events: make(chan eventhub.Event), Done: make(chan error, 1), Cancel: cancel}
	go func() {
		position := eventhub.Beginning()
		for {
			err := hub.Receive(ctx, "0", position, eventhub.Receiver{Handle: func(ctx context.Context, event eventhub.Event) {
				select {
				case r.Events <- event:
					position = eventhub.Position{Sequence: event.Sequence, Offset: event.Offset}
				case <-ctx.Done():
				}
			}})
			if err == nil {
				r.Done <- nil
				return
			}
		}
	}()
	t.Cleanup(cancel)
	return r
}

func TestAHubThatIsUnavailableIsAnErrorSoon(t *testing.T) {
	for name, leave := range map[string]func(*hubtest.Server){
		"connections refused":  func(s *hubtest.Server) { s.RefuseConnections(true); s.DropConnections() },
		"attaches refused":     func(s *hubtest.Server) { s.RefuseAttaches("com.microsoft:server-busy"); s.DropConnections() },
		"tokens refused":       func(s *hubtest.Server) { s.RefuseTokens(true); s.DropConnections() },
		"not there any longer": (*hubtest.Server).Close,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, hub := startAzEmulator(t)
			server.Append("0", []byte("a"))
			r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
			r.Expect(t, 0)
			leave(server)
			require.ErrorContains(t, r.End(t), "receive from partition 0")
			began := time.Now()
			require.Error(t, hub.Receive(t.Context(), "0", eventhub.Beginning(), eventhub.Receiver{Handle: func(context.Context, eventhub.Event) {}}))
			assert.Less(t, time.Since(began), eventhubtest.WaitLimit)
		})
	}
}

func TestAReaderBeyondTheNewestEventIsAnError(t *testing.T) {
	server, hub := startAzEmulator(t)
	server.Append("0", []byte("a"))
	err := hub.Receive(t.Context(), "0", eventhub.Position{Sequence: 5}, eventhub.Receiver{Handle: func(context.Context, eventhub.Event) {}})
	require.ErrorContains(t, err, "receive from partition 0")
}

func TestAllPartitionsAreReadOverOneConnection(t *testing.T) {
	const partitions, each = 8, 50
	server, hub := startEmulator(t, partitions, forwarder.ClientAzEventHubs)
	var readings []*eventhubtest.Reading
	for _, id := range server.PartitionIDs() {
		for range each {
			server.Append(id, []byte(id))
		}
		readings = append(readings, eventhubtest.StartReading(t, hub, id, eventhub.Beginning()))
	}
	for i, r := range readings {
		for sequence := range int64(each) {
			event := r.Next(t)
			require.Equal(t, sequence, event.Sequence)
			require.Equal(t, fmt.Sprint(i), string(event.Body))
		}
	}
	assert.Equal(t, 2, server.DropConnections(), "one for the partitions, one for management")
	for _, r := range readings {
		r.Cancel()
	}
}

func TestMicrosoftsEmulatorIsReadWithoutTLS(t *testing.T) {
	server, err := hubtest.Start(hubtest.Config{Partitions: 1})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	server.Append("0", []byte("a"))
	for _, transport := range []string{"amqp", "websocket"} {
		for name, connection := range map[string]string{
			"by address": server.PlainConnectionString(),
			"localhost":  strings.Replace(server.PlainConnectionString(), "127.0.0.1", "localhost", 1),
		} {
			t.Run(name+" over "+transport, func(t *testing.T) {
				hub := newTestHub(t, server, forwarder.ClientAzEventHubs,
					"EHUBNAMESPACECONNECTIONSTRING="+connection, "EVENTHUBTRANSPORT="+transport)
				r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
				r.Expect(t, 0)
				r.Stop(t)
			})
		}
	}
}

// Another person who has the key of the namespace may issue a signature to read with.
func TestASharedAccessSignatureIsEnough(t *testing.T) {
	server, _ := startAzEmulator(t)
	server.Append("0", []byte("a"))
	endpoint, _, _ := strings.Cut(server.ConnectionString(), ";")
	hub := newTestHub(t, server, forwarder.ClientAzEventHubs,
		"EHUBNAMESPACECONNECTIONSTRING="+endpoint+";SharedAccessSignature="+eventhubtest.Signature(t, server, time.Now().Add(time.Hour)))
	r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
	r.Expect(t, 0)
	r.Stop(t)

	expired := newTestHub(t, server, forwarder.ClientAzEventHubs,
		"EHUBNAMESPACECONNECTIONSTRING="+endpoint+";SharedAccessSignature="+eventhubtest.Signature(t, server, time.Now().Add(-time.Hour)))
	_, err := expired.PartitionIDs(t.Context())
	assert.Equal(t, eventhub.ServiceHub, eventhub.AccessDeniedBy(err), err)
	assert.NotContains(t, err.Error(), "sig=")
}

func TestAClosedHubIsAnErrorAndMayBeClosedAgain(t *testing.T) {
	_, hub := startAzEmulator(t)
	_, err := hub.PartitionIDs(t.Context())
	require.NoError(t, err)
	closeHub(t, hub)
	closeHub(t, hub)
	_, err = hub.PartitionIDs(t.Context())
	require.Error(t, err)
	require.Error(t, hub.Receive(t.Context(), "0", eventhub.Beginning(), eventhub.Receiver{Handle: func(context.Context, eventhub.Event) {}}))
}

func TestCloseEndsWithItsContext(t *testing.T) {
	_, hub := startAzEmulator(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := hub.Close(ctx); err != nil { // either may be first
		require.ErrorIs(t, err, context.Canceled)
	}
}

// A host that accepts connections and does not answer must not delay a stop.
func TestAStopEndsAReaderThatIsConnecting(t *testing.T) {
	var listen net.ListenConfig
	silent, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	server, _ := startAzEmulator(t)
	for _, transport := range []string{"amqp", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			hub := newTestHub(t, server, forwarder.ClientAzEventHubs, "EVENTHUBTRANSPORT="+transport,
				"EHUBNAMESPACECONNECTIONSTRING=Endpoint=sb://"+silent.Addr().String()+";SharedAccessKeyName=k;SharedAccessKey=v")
			r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
			connection, err := silent.Accept()
			require.NoError(t, err)
			defer func() { _ = connection.Close() }()
			r.Stop(t)
		})
	}
}
