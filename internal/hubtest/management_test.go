package hubtest

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest/wire"
)

func TestAClientIsToldOfHubAndPartitions(t *testing.T) {
	for _, tc := range transports() {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, Config{Hub: "Some-Hub", Partitions: 2})
			appendBodies(s, "1", 0, 3)
			s.Truncate("1", 1)
			c := newConsumer(t, s, tc.connection(s), tc.dial)
			hub, err := c.GetEventHubProperties(testContext(t), nil)
			require.NoError(t, err)
			require.Equal(t, "Some-Hub", hub.Name)
			require.Equal(t, s.PartitionIDs(), hub.PartitionIDs)
			require.False(t, hub.CreatedOn.IsZero())

			p, err := c.GetPartitionProperties(testContext(t), "1", nil)
			require.NoError(t, err)
			want := s.Partition("1")
			require.Equal(t, int64(1), p.BeginningSequenceNumber)
			require.Equal(t, int64(2), p.LastEnqueuedSequenceNumber)
			require.Equal(t, want.LastOffset, p.LastEnqueuedOffset)
			require.True(t, want.LastEnqueued.Equal(p.LastEnqueuedOn))
			require.False(t, p.IsEmpty)

			empty, err := c.GetPartitionProperties(testContext(t), "0", nil)
			require.NoError(t, err)
			require.True(t, empty.IsEmpty)
			require.Equal(t, int64(-1), empty.LastEnqueuedSequenceNumber)
		})
	}
}

func TestAnUnknownPartitionIsNotFound(t *testing.T) {
	s := startServer(t, Config{Partitions: 2})
	c := newConsumer(t, s, s.PlainConnectionString())
	_, err := c.GetPartitionProperties(testContext(t), "2", nil)
	require.ErrorContains(t, err, "404")
	_, err = newReader(t, c, "2", earliest()).ReceiveEvents(testContext(t), 1, nil)
	require.ErrorContains(t, err, "com.microsoft:argument-out-of-range")
}

func TestRequestsAreAnsweredAsTheyDeserve(t *testing.T) {
	s := startServer(t, Config{Hub: "Hub", Partitions: 1, Key: "key"})
	later := time.Now().Add(time.Hour)
	good := sign(url.QueryEscape("amqp://127.0.0.1/hub"), s.cfg.KeyName, "key", later)
	bad := sign(url.QueryEscape("amqp://127.0.0.1/hub"), s.cfg.KeyName, "other", later)
	request := func(operation, kind, hub, partition, token string) wire.Map {
		return wire.Map{{Key: "operation", Value: operation}, {Key: "type", Value: kind}, {Key: "name", Value: hub},
			{Key: "partition", Value: partition}, {Key: "security_token", Value: token}}
	}
	for _, tc := range []struct {
		name    string
		claims  claims
		request wire.Map
		want    int32
	}{
		{"hub", claims{}, request("READ", "com.microsoft:eventhub", "hub", "", good), 200},
		{"partition", claims{}, request("READ", "com.microsoft:partition", "Hub", "0", good), 200},
		{"with a claim and no token", claims{"hub": later}, request("READ", "com.microsoft:eventhub", "hub", "", ""), 200},
		{"neither claim nor token", claims{}, request("READ", "com.microsoft:eventhub", "hub", "", ""), 401},
		{"claim for another hub", claims{"hub2": later}, request("READ", "com.microsoft:eventhub", "hub", "", ""), 401},
		{"token of another key", claims{}, request("READ", "com.microsoft:eventhub", "hub", "", bad), 401},
		{"token for another hub", claims{}, request("READ", "com.microsoft:eventhub", "hub2", "", good), 401},
		{"unknown hub", claims{"": later}, request("READ", "com.microsoft:eventhub", "hub2", "", ""), 404},
		{"unknown partition", claims{}, request("READ", "com.microsoft:partition", "hub", "1", good), 404},
		{"unknown type", claims{}, request("READ", "com.microsoft:other", "hub", "", good), 400},
		{"unknown operation", claims{}, request("DELETE", "com.microsoft:eventhub", "hub", "", good), 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &conn{srv: s, claims: tc.claims}
			require.Equal(t, tc.want, c.manage(&wire.Message{ApplicationProperties: tc.request}).code)
		})
	}
}

func TestTokensThatCBSCannotCheckAreRefused(t *testing.T) {
	s := startServer(t, Config{Hub: "hub", Key: "key"})
	token := hubToken(s, time.Now().Add(time.Hour))
	for _, tc := range []struct {
		name, operation, kind string
		token                 any
		want                  int32
	}{
		{"sound", "put-token", "servicebus.windows.net:sastoken", token, 202},
		{"of Entra ID", "put-token", "jwt", token, 401},
		{"no text", "put-token", "servicebus.windows.net:sastoken", int64(5), 401},
		{"another operation", "delete-token", "servicebus.windows.net:sastoken", token, 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &conn{srv: s, claims: claims{}}
			m := &wire.Message{Value: tc.token, HasValue: true, ApplicationProperties: wire.Map{
				{Key: "operation", Value: tc.operation}, {Key: "type", Value: tc.kind}, {Key: "name", Value: "amqps://h/Hub/Partitions/0"}}}
			require.Equal(t, tc.want, c.putToken(m).code)
			require.Equal(t, tc.want == 202, c.claims.cover("hub/partitions/0"))
			require.False(t, c.claims.cover("hub"), "a claim holds for what it names, not for what stands above")
		})
	}
}
