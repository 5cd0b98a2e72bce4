package hubtest

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"aks-audit-log-go/internal/hubtest/wire"
)

// sendBatch sends the bodies from first to last as one batch.
func sendBatch(t *testing.T, p *azeventhubs.ProducerClient, options *azeventhubs.EventDataBatchOptions, first, last int) {
	t.Helper()
	batch, err := p.NewEventDataBatch(testContext(t), options)
	require.NoError(t, err)
	for n := first; n <= last; n++ {
		require.NoError(t, batch.AddEventData(&azeventhubs.EventData{Body: body(n)}, nil))
	}
	require.NoError(t, p.SendEventDataBatch(testContext(t), batch, nil))
}

func TestBatchesToAPartitionArriveInOrder(t *testing.T) {
	for _, tc := range transports() {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, Config{})
			p := newProducer(t, s, tc.connection(s), tc.dial)
			to := &azeventhubs.EventDataBatchOptions{PartitionID: ptr("3")}
			sendBatch(t, p, to, 0, 0)
			sendBatch(t, p, to, 1, 9)
			requireBodies(t, receive(t, newReader(t, newConsumer(t, s, tc.connection(s), tc.dial), "3", earliest()), 10), 0)
		})
	}
}

func TestMoreBatchesThanCreditAreTaken(t *testing.T) {
	s := startServer(t, Config{})
	p := newProducer(t, s, s.PlainConnectionString())
	for n := range 2 * incomingCredit {
		sendBatch(t, p, &azeventhubs.EventDataBatchOptions{PartitionID: ptr("0")}, n, n)
	}
	require.Equal(t, int64(2*incomingCredit-1), s.Partition("0").LastSequence)
}

func TestTheHubSpreadsBatchesOverItsPartitions(t *testing.T) {
	s := startServer(t, Config{Partitions: 3})
	p := newProducer(t, s, s.PlainConnectionString())
	for n := range 6 {
		sendBatch(t, p, nil, n, n)
	}
	for _, id := range s.PartitionIDs() {
		require.Equal(t, int64(1), s.Partition(id).LastSequence, "partition %s", id)
	}
}

func TestAPartitionKeyChoosesAlwaysTheSamePartition(t *testing.T) {
	s := startServer(t, Config{Partitions: 8})
	p := newProducer(t, s, s.PlainConnectionString())
	for n := range 5 {
		sendBatch(t, p, &azeventhubs.EventDataBatchOptions{PartitionKey: ptr("one cluster")}, n, n)
	}
	var used []string
	for _, id := range s.PartitionIDs() {
		if !s.Partition(id).Empty {
			used = append(used, id)
		}
	}
	require.Len(t, used, 1)
	events := receive(t, newReader(t, newConsumer(t, s, s.PlainConnectionString()), used[0], earliest()), 5)
	require.Equal(t, "one cluster", *events[4].PartitionKey)
}

func TestABatchOfAMegabyteIsTakenAndAGreaterOneRefused(t *testing.T) {
	s := startServer(t, Config{Partitions: 1})
	p := newProducer(t, s, s.ConnectionString())
	batch, err := p.NewEventDataBatch(testContext(t), nil)
	require.NoError(t, err)
	require.NoError(t, batch.AddEventData(&azeventhubs.EventData{Body: make([]byte, maxMessageSize-1000)}, nil))
	require.NoError(t, p.SendEventDataBatch(testContext(t), batch, nil))
	require.ErrorIs(t, batch.AddEventData(&azeventhubs.EventData{Body: make([]byte, 2000)}, nil), azeventhubs.ErrEventDataTooLarge)
	events := receive(t, newReader(t, newConsumer(t, s, s.ConnectionString()), "0", earliest()), 1)
	require.Len(t, events[0].Body, maxMessageSize-1000)
}

func TestABrokenBatchIsRejectedWhole(t *testing.T) {
	s := startServer(t, Config{Partitions: 1})
	good, err := wire.AppendMessage(nil, &wire.Message{Data: [][]byte{body(0)}})
	require.NoError(t, err)
	batch, err := wire.AppendMessage(nil, &wire.Message{Data: [][]byte{good, []byte("no message")}})
	require.NoError(t, err)
	e := s.store(nil, batchFormat, batch)
	require.NotNil(t, e)
	require.Equal(t, condDecodeError, e.Condition)
	require.True(t, s.Partition("0").Empty)
}

func TestWhatAProducerPutsOnAnEventIsKept(t *testing.T) {
	s := startServer(t, Config{Partitions: 1})
	p := newProducer(t, s, s.PlainConnectionString())
	batch, err := p.NewEventDataBatch(testContext(t), nil)
	require.NoError(t, err)
	sent := &azeventhubs.EventData{
		Body: body(0), ContentType: ptr("text/plain"), CorrelationID: "c", MessageID: ptr("m"),
		Properties: map[string]any{"number": int64(7), "text": fmt.Sprint(7)},
	}
	require.NoError(t, batch.AddEventData(sent, nil))
	require.NoError(t, p.SendEventDataBatch(testContext(t), batch, nil))
	got := receive(t, newReader(t, newConsumer(t, s, s.PlainConnectionString()), "0", earliest()), 1)[0]
	require.Equal(t, *sent, got.EventData)
}

func TestEveryEventOfABatchHasItsKey(t *testing.T) {
	s := startServer(t, Config{Partitions: 4})
	p := newProducer(t, s, s.ConnectionString())
	const perKey = 5
	for n := range 4 {
		for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
			batch, err := p.NewEventDataBatch(testContext(t), &azeventhubs.EventDataBatchOptions{PartitionKey: &key})
			require.NoError(t, err)
			for i := range perKey {
				require.NoError(t, batch.AddEventData(&azeventhubs.EventData{Body: fmt.Appendf(nil, "%s %d", key, n*perKey+i)}, nil))
			}
			require.NoError(t, p.SendEventDataBatch(testContext(t), batch, nil))
		}
	}
	seen, at, used := map[string]int{}, map[string]string{}, 0
	c := newConsumer(t, s, s.ConnectionString())
	for _, id := range s.PartitionIDs() {
		if s.Partition(id).Empty {
			continue
		}
		used++
		for i, e := range receive(t, newReader(t, c, id, earliest()), int(s.Partition(id).LastSequence)+1) {
			require.Equal(t, int64(i), e.SequenceNumber)
			require.NotNil(t, e.PartitionKey)
			key := *e.PartitionKey
			require.Equal(t, fmt.Sprintf("%s %d", key, seen[key]), string(e.Body), "events of a key stay in order")
			if seen[key]++; at[key] != "" {
				require.Equal(t, at[key], id, "events of a key stay together")
			}
			at[key] = id
		}
	}
	require.Len(t, seen, 6)
	for key, n := range seen {
		require.Equal(t, 4*perKey, n, "key %s", key)
	}
	require.Greater(t, used, 1, "keys are spread")
}

func TestProducersShareAPartitionWithoutAGap(t *testing.T) {
	const producers, each = 4, 100
	s := startServer(t, Config{Partitions: 1})
	ctx := testContext(t)
	var all errgroup.Group
	for range producers {
		p := newProducer(t, s, s.PlainConnectionString())
		all.Go(func() error {
			for n := range each {
				batch, err := p.NewEventDataBatch(ctx, nil)
				if err != nil {
					return err
				}
				if err := batch.AddEventData(&azeventhubs.EventData{Body: body(n)}, nil); err != nil {
					return err
				}
				if err := p.SendEventDataBatch(ctx, batch, nil); err != nil {
					return err
				}
			}
			return nil
		})
	}
	// One reads meanwhile.
	events := receive(t, newReader(t, newConsumer(t, s, s.ConnectionString()), "0", earliest()), producers*each)
	require.NoError(t, all.Wait())
	times := map[string]int{}
	last := int64(-1)
	for i, e := range events {
		require.Equal(t, int64(i), e.SequenceNumber)
		offset, err := strconv.ParseInt(e.Offset, 10, 64)
		require.NoError(t, err)
		require.Greater(t, offset, last, "offsets rise")
		last = offset
		times[string(e.Body)]++
	}
	for n := range each {
		require.Equal(t, producers, times[string(body(n))])
	}
}

func TestASenderToNoPartitionIsRefused(t *testing.T) {
	s := startServer(t, Config{Partitions: 2})
	p := newProducer(t, s, s.PlainConnectionString())
	_, err := p.NewEventDataBatch(testContext(t), &azeventhubs.EventDataBatchOptions{PartitionID: ptr("2")})
	require.ErrorContains(t, err, string(condOutOfRange))
}
