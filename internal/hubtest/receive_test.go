package hubtest

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/Azure/go-amqp"
	"github.com/stretchr/testify/require"
)

func TestAReaderGetsEverythingInOrder(t *testing.T) {
	for _, tc := range transports() {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, Config{})
			appendBodies(s, "1", 0, 10)
			p := newReader(t, newConsumer(t, s, tc.connection(s), tc.dial), "1", earliest())
			requireBodies(t, receive(t, p, 10), 0)
			appendBodies(s, "1", 10, 20)
			requireBodies(t, receive(t, p, 10), 10)
		})
	}
}

func TestReadingRemovesNothing(t *testing.T) {
	s := startServer(t, Config{})
	appendBodies(s, "0", 0, 5)
	c := newConsumer(t, s, s.ConnectionString())
	for range 2 {
		requireBodies(t, receive(t, newReader(t, c, "0", earliest()), 5), 0)
	}
}

func TestAReaderStartsWhereItAsks(t *testing.T) {
	s := startServer(t, Config{})
	base := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for n := range 10 {
		s.AppendMessage("0", Message{Body: [][]byte{body(n)}, Enqueued: base.Add(time.Duration(n) * time.Second)})
	}
	c := newConsumer(t, s, s.ConnectionString())
	offset := receive(t, newReader(t, c, "0", earliest()), 10)[4].Offset
	for _, tc := range []struct {
		name  string
		start azeventhubs.StartPosition
		first int
	}{
		{"at the start", azeventhubs.StartPosition{Earliest: ptr(true)}, 0},
		{"behind an offset", azeventhubs.StartPosition{Offset: &offset}, 5},
		{"at an offset", azeventhubs.StartPosition{Offset: &offset, Inclusive: true}, 4},
		{"behind a sequence number", azeventhubs.StartPosition{SequenceNumber: ptr(int64(6))}, 7},
		{"at a sequence number", azeventhubs.StartPosition{SequenceNumber: ptr(int64(6)), Inclusive: true}, 6},
		{"behind the last sequence number", azeventhubs.StartPosition{SequenceNumber: ptr(int64(9))}, 10},
		{"behind a time", azeventhubs.StartPosition{EnqueuedTime: ptr(base.Add(2 * time.Second))}, 3},
		{"at a time", azeventhubs.StartPosition{EnqueuedTime: ptr(base.Add(2 * time.Second)), Inclusive: true}, 2},
		{"at a time before all", azeventhubs.StartPosition{EnqueuedTime: ptr(base.Add(-time.Hour))}, 0},
		{"at a time after all", azeventhubs.StartPosition{EnqueuedTime: ptr(base.Add(time.Hour))}, 10},
		{"at the end", azeventhubs.StartPosition{Latest: ptr(true)}, 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, Config{})
			for n := range 10 {
				s.AppendMessage("0", Message{Body: [][]byte{body(n)}, Enqueued: base.Add(time.Duration(n) * time.Second)})
			}
			p := newReader(t, newConsumer(t, s, s.PlainConnectionString()), "0", &azeventhubs.PartitionClientOptions{StartPosition: tc.start})
			// The link is attached by the first call, and must be before the next event comes.
			got := make(chan []*azeventhubs.ReceivedEventData, 1)
			ctx := testContext(t)
			go func() {
				events, err := p.ReceiveEvents(ctx, 11-tc.first, nil)
				if err != nil {
					t.Error(err)
				}
				got <- events
			}()
			waitReceivers(t, s, "0", 1)
			s.AppendMessage("0", Message{Body: [][]byte{body(10)}, Enqueued: base.Add(10 * time.Second)})
			requireBodies(t, <-got, tc.first)
		})
	}
}

func TestAStartBeyondTheEndIsRefused(t *testing.T) {
	s := startServer(t, Config{})
	appendBodies(s, "0", 0, 3)
	p := newReader(t, newConsumer(t, s, s.ConnectionString()), "0",
		&azeventhubs.PartitionClientOptions{StartPosition: azeventhubs.StartPosition{SequenceNumber: ptr(int64(3))}})
	_, err := p.ReceiveEvents(testContext(t), 1, nil)
	require.ErrorContains(t, err, "com.microsoft:argument-error")
	require.ErrorContains(t, err, "The last sequence number in the system is '2'")
}

func TestAMessageOfAMegabyteComesWhole(t *testing.T) {
	for _, tc := range transports() {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, Config{})
			big := make([]byte, 1<<20)
			seed := rand.New(rand.NewPCG(1, 2))
			for i := range big {
				big[i] = byte(seed.Uint32())
			}
			s.Append("0", big)
			s.Append("0", body(1))
			events := receive(t, newReader(t, newConsumer(t, s, tc.connection(s), tc.dial), "0", earliest()), 2)
			require.True(t, bytes.Equal(big, events[0].Body))
			require.Equal(t, body(1), events[1].Body)
		})
	}
}

func TestManySmallMessagesComeThroughASmallWindow(t *testing.T) {
	s := startServer(t, Config{})
	appendBodies(s, "0", 0, 3000)
	options := earliest()
	options.Prefetch = 7
	p := newReader(t, newConsumer(t, s, s.ConnectionString()), "0", options)
	requireBodies(t, receive(t, p, 3000), 0)
}

func TestCreditIsHonouredWithoutPrefetch(t *testing.T) {
	s := startServer(t, Config{})
	appendBodies(s, "0", 0, 100)
	options := earliest()
	options.Prefetch = -1
	p := newReader(t, newConsumer(t, s, s.ConnectionString()), "0", options)
	for first := 0; first < 100; first += 20 {
		requireBodies(t, receive(t, p, 20), first)
	}
}

func TestWhatRetentionRemovedIsNotRead(t *testing.T) {
	s := startServer(t, Config{})
	appendBodies(s, "0", 0, 10)
	s.Truncate("0", 6)
	p := newReader(t, newConsumer(t, s, s.ConnectionString()), "0",
		&azeventhubs.PartitionClientOptions{StartPosition: azeventhubs.StartPosition{SequenceNumber: ptr(int64(2))}})
	requireBodies(t, receive(t, p, 4), 6)
	info := s.Partition("0")
	require.Equal(t, int64(6), info.Begin)
	require.Equal(t, int64(9), info.LastSequence)
	s.Truncate("0", 100)
	require.True(t, s.Partition("0").Empty)
	require.Equal(t, int64(10), s.Partition("0").Begin)
	require.Equal(t, int64(10), s.Append("0", body(10)))
}

func TestOneConnectionReadsManyPartitions(t *testing.T) {
	s := startServer(t, Config{Partitions: 32})
	c := newConsumer(t, s, s.PlainConnectionString())
	for i, id := range s.PartitionIDs() {
		appendBodies(s, id, 0, 10+i)
	}
	for i, id := range s.PartitionIDs() {
		requireBodies(t, receive(t, newReader(t, c, id, earliest()), 10+i), 0)
	}
}

func TestADeepBacklogComesThroughALargeWindow(t *testing.T) {
	for _, tc := range transports() {
		t.Run(tc.name, func(t *testing.T) {
			const events = 20000
			s := startServer(t, Config{})
			appendBodies(s, "0", 0, events)
			options := earliest()
			options.Prefetch = 5000
			p := newReader(t, newConsumer(t, s, tc.connection(s), tc.dial), "0", options)
			requireBodies(t, receive(t, p, events), 0)
		})
	}
}

func TestNotMoreThanTheCreditIsSent(t *testing.T) {
	for _, credit := range []uint32{1, 2, readAhead - 1, readAhead + 1, 1000} {
		s := startServer(t, Config{})
		appendBodies(s, "0", 0, 2000)
		session := trusted(t, s, amqp.ConnOptions{})
		r, err := session.NewReceiver(testContext(t), consumerAddress(s, "0"), &amqp.ReceiverOptions{Credit: -1})
		require.NoError(t, err)
		for round := range 2 {
			require.NoError(t, r.IssueCredit(credit))
			for range credit {
				m, err := r.Receive(testContext(t), nil)
				require.NoError(t, err)
				require.NotNil(t, m)
			}
			// An answer on the same connection comes after all that the hub has sent before.
			require.NoError(t, ask(t, session, amqp.NewMessage(body(0))))
			require.Nil(t, r.Prefetched(), "credit %d, round %d", credit, round)
		}
	}
}

func TestAReaderThatDoesNotReadHoldsUpNobodyElse(t *testing.T) {
	s := startServer(t, Config{})
	big := make([]byte, 100_000)
	for range 50 {
		s.Append("0", big)
	}
	appendBodies(s, "1", 0, 500)
	conn, err := amqp.Dial(testContext(t), "amqp://"+s.plain.Addr().String(), &amqp.ConnOptions{SASLType: amqp.SASLTypePlain(s.cfg.KeyName, s.cfg.Key)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	open := func(partition string) *amqp.Receiver {
		session, err := conn.NewSession(testContext(t), nil)
		require.NoError(t, err)
		r, err := session.NewReceiver(testContext(t), consumerAddress(s, partition), &amqp.ReceiverOptions{Credit: 20})
		require.NoError(t, err)
		return r
	}
	stuck, reading := open("0"), open("1")
	for n := range 500 {
		m, err := reading.Receive(testContext(t), nil)
		require.NoError(t, err)
		require.Equal(t, string(body(n)), string(m.GetData()))
	}
	// It comes to all of its own in the end.
	for range 50 {
		m, err := stuck.Receive(testContext(t), nil)
		require.NoError(t, err)
		require.Len(t, m.GetData(), len(big))
		require.NoError(t, stuck.AcceptMessage(testContext(t), m))
	}
}

func TestRetentionOvertakesASlowReader(t *testing.T) {
	const events = 3 * readAhead
	s := startServer(t, Config{})
	appendBodies(s, "0", 0, events)
	options := earliest()
	options.Prefetch = -1
	p := newReader(t, newConsumer(t, s, s.ConnectionString()), "0", options)
	requireBodies(t, receive(t, p, 10), 0)
	s.Truncate("0", events-10)
	got := receive(t, p, 1)
	for got[len(got)-1].SequenceNumber < events-1 {
		got = append(got, receive(t, p, 1)...)
	}
	// What the hub had in hand may still come; then there is the gap, which a reader can tell.
	gaps := 0
	for i, e := range got {
		require.Equal(t, string(body(int(e.SequenceNumber))), string(e.Body))
		if i > 0 && e.SequenceNumber != got[i-1].SequenceNumber+1 {
			require.Equal(t, int64(events-10), e.SequenceNumber)
			gaps++
		}
	}
	require.Equal(t, 1, gaps)
}
