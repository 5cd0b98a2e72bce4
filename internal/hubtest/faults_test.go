package hubtest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/Azure/go-amqp"
	"github.com/stretchr/testify/require"
)

// stubborn is a consumer that tries again for as long as a test may take.
func stubborn(t *testing.T, s *Server, connection string, dial ...dialWebSocket) *azeventhubs.ConsumerClient {
	t.Helper()
	retry := azeventhubs.RetryOptions{MaxRetries: 1000, RetryDelay: time.Millisecond, MaxRetryDelay: 20 * time.Millisecond}
	c, err := azeventhubs.NewConsumerClientFromConnectionString(connection, s.HubName(), azeventhubs.DefaultConsumerGroup,
		&azeventhubs.ConsumerClientOptions{TLSConfig: clientTLS(t, s), RetryOptions: retry, NewWebSocketConn: webSocketOf(s, dial)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(testContext(t)) })
	return c
}

func TestAReaderRecoversFromWhatMayBeRecoveredFrom(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault func(s *Server) int
	}{
		{"dropped connections", (*Server).DropConnections},
		{"internal error", func(s *Server) int { return s.Detach("0", "amqp:internal-error", "broken") }},
		{"server busy", func(s *Server) int { return s.Detach("0", "com.microsoft:server-busy", "busy") }},
		{"connection forced", func(s *Server) int { return s.Detach("0", "amqp:connection:forced", "upgrade") }},
		{"timeout", func(s *Server) int { return s.Detach("", "com.microsoft:timeout", "late") }},
		{"detach forced", func(s *Server) int { return s.Detach("0", "amqp:link:detach-forced", "idle") }},
	} {
		for _, tr := range transports() {
			t.Run(tc.name+" over "+tr.name, func(t *testing.T) {
				s := startServer(t, Config{})
				appendBodies(s, "0", 0, 5)
				p := newReader(t, stubborn(t, s, tr.connection(s), tr.dial), "0", owner(0))
				requireBodies(t, receive(t, p, 5), 0)
				for first := 5; first < 15; first += 5 {
					require.Equal(t, 1, tc.fault(s))
					require.Equal(t, 0, s.Receivers("0"))
					appendBodies(s, "0", first, first+5)
					requireBodies(t, receive(t, p, 5), first)
				}
			})
		}
	}
}

func TestDetachLeavesOtherPartitionsAlone(t *testing.T) {
	s := startServer(t, Config{})
	session := trusted(t, s, amqp.ConnOptions{})
	for _, id := range []string{"0", "1"} {
		_, err := session.NewReceiver(testContext(t), consumerAddress(s, id), nil)
		require.NoError(t, err)
	}
	require.Equal(t, 1, s.Detach("0", "amqp:internal-error", ""))
	require.Equal(t, 0, s.Receivers("0"))
	require.Equal(t, 1, s.Receivers("1"))
	require.Equal(t, 0, s.Detach("0", "amqp:internal-error", ""))
}

func TestAStolenLinkIsLost(t *testing.T) {
	s := startServer(t, Config{})
	s.Append("0", body(0))
	p := newReader(t, newConsumer(t, s, s.ConnectionString()), "0", owner(7))
	requireBodies(t, receive(t, p, 1), 0)
	require.Equal(t, 1, s.StealLinks("0"))
	_, err := p.ReceiveEvents(testContext(t), 1, nil)
	requireCode(t, err, azeventhubs.ErrorCodeOwnershipLost)
}

// receiveLater receives n events in the background, through whatever is wrong meanwhile.
func receiveLater(t *testing.T, p *azeventhubs.PartitionClient, n int) <-chan []*azeventhubs.ReceivedEventData {
	t.Helper()
	ctx := testContext(t)
	got := make(chan []*azeventhubs.ReceivedEventData, 1)
	go func() {
		defer close(got)
		events, err := p.ReceiveEvents(ctx, n, nil)
		if err != nil {
			t.Error(err)
		}
		got <- events
	}()
	return got
}

// traceCounter counts what the server says of itself and wakes who waits for it.
type traceCounter chan string

func (c traceCounter) trace(_ string, args ...any) {
	if len(args) < 2 {
		return
	}
	line, _ := args[1].(string) // the first is who the peer is
	select {
	case c <- line:
	default:
	}
}

// await waits for a trace that starts so.
func (c traceCounter) await(t *testing.T, prefix string) {
	t.Helper()
	ctx := testContext(t)
	for {
		select {
		case line := <-c:
			if len(line) >= len(prefix) && line[:len(prefix)] == prefix {
				return
			}
		case <-ctx.Done():
			require.FailNow(t, "never said", prefix)
		}
	}
}

func TestRefusalsEndWhenTheyAreCalledOff(t *testing.T) {
	for _, tc := range []struct {
		name   string
		refuse func(s *Server, refuse bool)
		seen   string // what the server says when it has refused
	}{
		{"attaches", func(s *Server, refuse bool) {
			if s.RefuseAttaches(""); refuse {
				s.RefuseAttaches("com.microsoft:server-busy")
			}
		}, "-> detach"},
		{"connections", (*Server).RefuseConnections, "refused"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			traces := make(traceCounter, 10000)
			s := startServer(t, Config{Trace: traces.trace})
			s.Append("0", body(0))
			p := newReader(t, stubborn(t, s, s.PlainConnectionString()), "0", owner(0))
			requireBodies(t, receive(t, p, 1), 0)
			tc.refuse(s, true)
			require.Equal(t, 1, s.DropConnections())
			got := receiveLater(t, p, 1)
			s.Append("0", body(1))
			for range 3 {
				traces.await(t, tc.seen)
			}
			require.Equal(t, 0, s.Receivers("0"))
			tc.refuse(s, false)
			requireBodies(t, <-got, 1)
		})
	}
}

func TestRefusedTokensAreAnswered401(t *testing.T) {
	s := startServer(t, Config{})
	s.Append("0", body(0))
	c := newConsumer(t, s, s.ConnectionString())
	s.RefuseTokens(true)
	_, err := newReader(t, c, "0", earliest()).ReceiveEvents(testContext(t), 1, nil)
	requireCode(t, err, azeventhubs.ErrorCodeUnauthorizedAccess)
	s.RefuseTokens(false)
	requireBodies(t, receive(t, newReader(t, c, "0", earliest()), 1), 0)
}

func TestExpiredClaimsEndLinks(t *testing.T) {
	s := startServer(t, Config{})
	s.Append("0", body(0))
	c := newConsumer(t, s, s.ConnectionString())
	p := newReader(t, c, "0", earliest())
	requireBodies(t, receive(t, p, 1), 0)
	// SASL PLAIN has no claims that could expire.
	_, err := trusted(t, s, amqp.ConnOptions{}).NewReceiver(testContext(t), consumerAddress(s, "0"), nil)
	require.NoError(t, err)
	s.ExpireClaims()
	require.Equal(t, 1, s.Receivers("0"))
	// The client puts a new token and attaches again, unless that is refused.
	s.Append("0", body(1))
	requireBodies(t, receive(t, p, 1), 1)
	s.RefuseTokens(true)
	s.ExpireClaims()
	_, err = p.ReceiveEvents(testContext(t), 1, nil)
	requireCode(t, err, azeventhubs.ErrorCodeUnauthorizedAccess)
}

func TestExpiredClaimsEndProducersToo(t *testing.T) {
	s := startServer(t, Config{Partitions: 1})
	p := newProducer(t, s, s.PlainConnectionString())
	sendBatch(t, p, nil, 0, 0)
	s.ExpireClaims()
	// The client attaches again, with a new token.
	sendBatch(t, p, nil, 1, 1)
	require.Equal(t, int64(1), s.Partition("0").LastSequence)
}

func TestASilentHubLosesNothing(t *testing.T) {
	for _, tc := range transports() {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, Config{})
			s.Append("0", body(0))
			p := newReader(t, newConsumer(t, s, tc.connection(s), tc.dial), "0", earliest())
			requireBodies(t, receive(t, p, 1), 0)
			s.GoSilent(true)
			s.GoSilent(true)
			appendBodies(s, "0", 1, 5)
			// A new connection is taken, but gets no answer.
			nc, err := (&net.Dialer{}).DialContext(testContext(t), "tcp", s.plain.Addr().String())
			require.NoError(t, err)
			defer func() { _ = nc.Close() }()
			_, err = nc.Write(saslHeader)
			require.NoError(t, err)
			require.NoError(t, nc.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
			_, err = nc.Read(make([]byte, 1))
			var timeout net.Error
			require.ErrorAs(t, err, &timeout)
			require.True(t, timeout.Timeout())
			require.Equal(t, 1, s.Receivers("0"))

			got := receiveLater(t, p, 4)
			s.GoSilent(false)
			requireBodies(t, <-got, 1)
			require.NoError(t, nc.SetReadDeadline(time.Now().Add(failAfter)))
			_, err = nc.Read(make([]byte, 1))
			require.NoError(t, err)
		})
	}
}

func TestAClientThatGivesUpOnASilentHubIsForgotten(t *testing.T) {
	s := startServer(t, Config{})
	session := trusted(t, s, amqp.ConnOptions{})
	r, err := session.NewReceiver(testContext(t), consumerAddress(s, "0"), nil)
	require.NoError(t, err)
	s.GoSilent(true)
	s.Append("0", body(0))
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	require.Error(t, r.Close(ctx))
	require.Equal(t, 1, s.Receivers("0"))
	require.Equal(t, 1, s.DropConnections())
	require.Equal(t, 0, s.Receivers("0"))
	s.GoSilent(false)
}

func TestCloseEndsEverythingEvenInSilence(t *testing.T) {
	s := startServer(t, Config{})
	session := trusted(t, s, amqp.ConnOptions{})
	_, err := session.NewReceiver(testContext(t), consumerAddress(s, "0"), nil)
	require.NoError(t, err)
	s.GoSilent(true)
	s.Append("0", body(0))
	s.Close()
	s.Close()
	require.Equal(t, 0, s.Receivers("0"))
}
