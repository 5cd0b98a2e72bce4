package hubclient

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/eventhubtest"
	"aks-audit-log-go/internal/hubtest"
)

// oddEvent is what a client returned of a partition with three events, the second of which is odd.
type oddEvent struct {
	// Bodies are the bodies of the events that were handed on, in order. unreadableBody stands for an event that the
	// client could not read.
	Bodies []string
	// Ended is the error that ended receiving before the last event, if one did.
	Ended string
}

const unreadableBody = "(unreadable)"

// readOdd reads the partition "before", odd, "behind" to its end. While the client is alive, no event may be missing
// or come twice.
func readOdd(t *testing.T, client forwarder.HubClient, odd hubtest.Message) oddEvent {
	t.Helper()
	server := startServer(t)
	server.Append("0", []byte("before"))
	server.AppendMessage("0", odd)
	server.Append("0", []byte("behind"))
	reading := eventhubtest.StartReading(t, newTestHub(t, server, client), "0", eventhub.Beginning())
	var saw oddEvent
	for sequence := range 3 {
		event, err := reading.NextOrEnd(t)
		if err != nil {
			saw.Ended = err.Error()
			return saw
		}
		require.Equal(t, int64(sequence), event.Sequence)
		if event.Unreadable != "" {
			saw.Bodies = append(saw.Bodies, unreadableBody)
		} else {
			saw.Bodies = append(saw.Bodies, string(event.Body))
		}
	}
	reading.Cancel()
	require.NoError(t, reading.End(t))
	return saw
}

// oldClientDies requires that the odd message ends the process of the old client.
func oldClientDies(t *testing.T, odd hubtest.Message, why, where string) {
	t.Helper()
	inChild(t, func(t *testing.T) oddEvent {
		saw := readOdd(t, oldClient, odd)
		time.Sleep(eventhubtest.WaitLimit) // receiving may end before the SDK's goroutine panics
		return saw
	}, func(t *testing.T, child run[oddEvent]) { child.requirePanic(t, why, where) })
}

func TestAMessageWithoutADataSection(t *testing.T) {
	for name, test := range map[string]struct {
		message hubtest.Message
		body    string
	}{
		"no body":         {hubtest.Message{}, ""},
		"a text":          {hubtest.Message{Value: "text"}, "text"},
		"a binary":        {hubtest.Message{Value: []byte("binary")}, "binary"},
		"another value":   {hubtest.Message{Value: int64(7)}, "7"},
		"a sequence body": {hubtest.Message{Sequence: []any{"text"}}, `[["text"]]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Run(string(oldClient)+" takes the process down", func(t *testing.T) {
				oldClientDies(t, test.message, "runtime error: index out of range [0] with length 0", "eventFromMsg")
			})
			t.Run(string(newClient)+" hands it on", func(t *testing.T) {
				assert.Equal(t, oddEvent{Bodies: []string{"before", test.body, "behind"}}, readOdd(t, newClient, test.message))
			})
		})
	}
}

func TestAnAnnotationOfAnotherType(t *testing.T) {
	for name, test := range map[string]struct {
		annotation string
		value      any
		why        string // the old client dies
		body       string // what the new one hands on
	}{
		"the sequence number as a text": {"x-opt-sequence-number", "1", "interface {} is string, not int64", unreadableBody},
		"the sequence number as an int": {"x-opt-sequence-number", int32(1), "interface {} is int32, not int64", "odd"},
		"the enqueued time as a text":   {"x-opt-enqueued-time", "2026-01-02T03:04:05Z", "interface {} is string, not time.Time", unreadableBody},
		"the enqueued time as a number": {"x-opt-enqueued-time", int64(1767323045000), "interface {} is int64, not time.Time", unreadableBody},
	} {
		t.Run(name, func(t *testing.T) {
			odd := hubtest.Message{Body: [][]byte{[]byte("odd")}, Annotations: map[string]any{test.annotation: test.value}}
			t.Run(string(oldClient)+" takes the process down", func(t *testing.T) {
				oldClientDies(t, odd, "interface conversion: "+test.why, "GetCheckpoint")
			})
			t.Run(string(newClient)+" says that it is there", func(t *testing.T) {
				assert.Equal(t, oddEvent{Bodies: []string{"before", test.body, "behind"}}, readOdd(t, newClient, odd))
			})
		})
	}
}

func TestSeveralDataSections(t *testing.T) {
	several := hubtest.Message{Body: [][]byte{[]byte("several, "), []byte("in "), []byte("one")}}
	t.Run(string(oldClient)+" drops all but the first", func(t *testing.T) {
		assert.Equal(t, oddEvent{Bodies: []string{"before", "several, ", "behind"}}, readOdd(t, oldClient, several))
	})
	t.Run(string(newClient)+" joins them", func(t *testing.T) {
		assert.Equal(t, oddEvent{Bodies: []string{"before", "several, in one", "behind"}}, readOdd(t, newClient, several))
	})
}

// readGeoReplicated reads the three events of a geo-replicated namespace, and loses the connection before the last
// one.
func readGeoReplicated(t *testing.T, client forwarder.HubClient) oddEvent {
	t.Helper()
	server, err := hubtest.Start(hubtest.Config{Partitions: 1, GeoReplicated: true})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	reading := eventhubtest.StartReading(t, newTestHub(t, server, client), "0", eventhub.Beginning())
	var saw oddEvent
	for _, body := range []string{"a", "b", "c"} {
		server.Append("0", []byte(body))
		event, err := reading.NextOrEnd(t)
		if err != nil {
			saw.Ended = err.Error()
			return saw
		}
		saw.Bodies = append(saw.Bodies, string(event.Body))
		if body == "b" {
			require.Regexp(t, `^\d+:\d+:\d+$`, event.Offset)
			server.DropConnections()
		}
	}
	reading.Cancel()
	require.NoError(t, reading.End(t))
	return saw
}

func TestOffsetsOfAGeoReplicatedNamespace(t *testing.T) {
	t.Run(string(oldClient)+" prints to the standard output and ends", func(t *testing.T) {
		inChild(t, func(t *testing.T) oddEvent { return readGeoReplicated(t, oldClient) },
			func(t *testing.T, child run[oddEvent]) {
				saw := child.requireFinished(t)
				assert.Empty(t, saw.Bodies)
				assert.Contains(t, saw.Ended, "cannot parse 'x-opt-offset' as int")
				assert.Contains(t, child.printed, "error decoding...")
			})
	})
	t.Run(string(newClient)+" reads on", func(t *testing.T) {
		assert.Equal(t, oddEvent{Bodies: []string{"a", "b", "c"}}, readGeoReplicated(t, newClient))
	})
}
