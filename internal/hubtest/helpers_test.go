package hubtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/stretchr/testify/require"
)

// failAfter bounds how long a test waits for what should come at once.
const failAfter = 60 * time.Second

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), failAfter)
	t.Cleanup(cancel)
	return ctx
}

func startServer(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(cfg)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// waitReceivers waits until n receiver links are attached to the partition.
func waitReceivers(t *testing.T, s *Server, partition string, n int) {
	t.Helper()
	ctx := testContext(t)
	for {
		changed := s.Changed()
		if s.Receivers(partition) == n {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			require.FailNow(t, "no such number of receivers", "%d wanted, %d there", n, s.Receivers(partition))
		}
	}
}

// body is the n-th of a row of different bodies.
func body(n int) []byte { return fmt.Appendf(nil, "event %d", n) }

func appendBodies(s *Server, partition string, from, to int) {
	for n := from; n < to; n++ {
		s.Append(partition, body(n))
	}
}

// transportCase is one of the two ways to reach a server.
type transportCase struct {
	name       string
	connection func(*Server) string
}

func transports() []transportCase {
	return []transportCase{
		{"TLS", (*Server).ConnectionString},
		{"plain TCP", (*Server).PlainConnectionString},
	}
}

func clientTLS(t *testing.T, s *Server) *tls.Config {
	t.Helper()
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(s.CAPEM()))
	// azeventhubs verifies "host:port" otherwise.
	return &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
}

// quickRetry keeps the tests of refusals short.
func quickRetry() azeventhubs.RetryOptions {
	return azeventhubs.RetryOptions{MaxRetries: 3, RetryDelay: time.Millisecond, MaxRetryDelay: 10 * time.Millisecond}
}

func newConsumer(t *testing.T, s *Server, connection string) *azeventhubs.ConsumerClient {
	t.Helper()
	c, err := azeventhubs.NewConsumerClientFromConnectionString(connection, s.HubName(), azeventhubs.DefaultConsumerGroup,
		&azeventhubs.ConsumerClientOptions{TLSConfig: clientTLS(t, s), RetryOptions: quickRetry()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(testContext(t)) })
	return c
}

func newProducer(t *testing.T, s *Server, connection string) *azeventhubs.ProducerClient {
	t.Helper()
	c, err := azeventhubs.NewProducerClientFromConnectionString(connection, s.HubName(),
		&azeventhubs.ProducerClientOptions{TLSConfig: clientTLS(t, s), RetryOptions: quickRetry()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(testContext(t)) })
	return c
}

// earliest reads a partition from its start, without an epoch.
func earliest() *azeventhubs.PartitionClientOptions {
	return &azeventhubs.PartitionClientOptions{StartPosition: azeventhubs.StartPosition{Earliest: ptr(true)}}
}

func newReader(t *testing.T, c *azeventhubs.ConsumerClient, partition string, options *azeventhubs.PartitionClientOptions) *azeventhubs.PartitionClient {
	t.Helper()
	p, err := c.NewPartitionClient(partition, options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Close(testContext(t)) })
	return p
}

// receive gets exactly n events.
func receive(t *testing.T, p *azeventhubs.PartitionClient, n int) []*azeventhubs.ReceivedEventData {
	t.Helper()
	var all []*azeventhubs.ReceivedEventData
	for len(all) < n {
		events, err := p.ReceiveEvents(testContext(t), n-len(all), nil)
		require.NoError(t, err)
		all = append(all, events...)
	}
	return all
}

// requireBodies checks that the events are the bodies from first on, with contiguous sequence numbers.
func requireBodies(t *testing.T, events []*azeventhubs.ReceivedEventData, first int) {
	t.Helper()
	for i, e := range events {
		require.Equal(t, string(body(first+i)), string(e.Body))
		require.Equal(t, int64(first+i), e.SequenceNumber)
	}
}
