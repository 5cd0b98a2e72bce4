package hubtest

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest/wire"
)

func TestOddMessagesArriveAsTheyAre(t *testing.T) {
	for _, tc := range []struct {
		name  string
		in    Message
		check func(t *testing.T, got *azeventhubs.ReceivedEventData)
	}{
		{"several data sections", Message{Body: [][]byte{[]byte("a"), []byte("b")}}, func(t *testing.T, got *azeventhubs.ReceivedEventData) {
			require.Equal(t, [][]byte{[]byte("a"), []byte("b")}, got.RawAMQPMessage.Body.Data)
		}},
		{"text value", Message{Value: "text"}, func(t *testing.T, got *azeventhubs.ReceivedEventData) {
			require.Equal(t, "text", got.RawAMQPMessage.Body.Value)
		}},
		{"binary value", Message{Value: []byte("bytes")}, func(t *testing.T, got *azeventhubs.ReceivedEventData) {
			require.Equal(t, []byte("bytes"), got.RawAMQPMessage.Body.Value)
		}},
		{"sequence", Message{Sequence: []any{"a", int64(1)}}, func(t *testing.T, got *azeventhubs.ReceivedEventData) {
			require.Equal(t, [][]any{{"a", int64(1)}}, got.RawAMQPMessage.Body.Sequence)
		}},
		{"no body", Message{}, func(t *testing.T, got *azeventhubs.ReceivedEventData) {
			require.Empty(t, got.RawAMQPMessage.Body.Data)
			require.Nil(t, got.RawAMQPMessage.Body.Value)
		}},
		{"empty body", Message{Body: [][]byte{{}}}, func(t *testing.T, got *azeventhubs.ReceivedEventData) {
			require.Equal(t, [][]byte{{}}, got.RawAMQPMessage.Body.Data)
		}},
		{"content encoding", Message{Body: [][]byte{body(0)}, Properties: &wire.Properties{ContentEncoding: "gzip"}},
			func(t *testing.T, got *azeventhubs.ReceivedEventData) {
				require.Equal(t, "gzip", *got.RawAMQPMessage.Properties.ContentEncoding)
			}},
		{"application properties and partition key",
			Message{Body: [][]byte{body(0)}, ApplicationProperties: map[string]any{"n": 5}, PartitionKey: "k"},
			func(t *testing.T, got *azeventhubs.ReceivedEventData) {
				require.Equal(t, int64(5), got.Properties["n"])
				require.Equal(t, "k", *got.PartitionKey)
			}},
		{"enqueued time and an annotation more",
			Message{Body: [][]byte{body(0)}, Enqueued: time.UnixMilli(1700000000000), Annotations: map[string]any{"x-opt-more": "m"}},
			func(t *testing.T, got *azeventhubs.ReceivedEventData) {
				require.Equal(t, int64(1700000000000), got.EnqueuedTime.UnixMilli())
				require.Equal(t, "m", got.SystemProperties["x-opt-more"])
			}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, Config{Partitions: 1})
			require.Equal(t, int64(0), s.AppendMessage("0", tc.in))
			s.Append("0", body(1))
			events := receive(t, newReader(t, newConsumer(t, s, s.PlainConnectionString()), "0", earliest()), 2)
			tc.check(t, events[0])
			require.Equal(t, body(1), events[1].Body)
		})
	}
}

func TestAnnotationsCanBeMissingOrOfAnotherType(t *testing.T) {
	e := Message{Annotations: map[string]any{annotationSequence: "text", annotationOffset: nil}}.event()
	require.Equal(t, wire.Map{
		{Key: wire.Symbol(annotationEnqueued), Value: wire.Timestamp(5)},
		{Key: wire.Symbol(annotationSequence), Value: "text"},
	}, e.annotate(1, "2", 5))
}

func TestWhatCannotBeAppendedChangesNothing(t *testing.T) {
	var said []string
	s := startServer(t, Config{Partitions: 1, Trace: func(format string, _ ...any) { said = append(said, format) }})
	before := s.Partition("0")
	require.Equal(t, int64(-1), s.Append("1", body(0)))
	require.Equal(t, int64(-1), s.AppendMessage("0", Message{Value: struct{}{}}))
	require.Equal(t, before, s.Partition("0"))
	require.Equal(t, PartitionInfo{}, s.Partition("1"))
	require.Len(t, said, 2)
}
