package hubtest

import (
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/Azure/go-amqp"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

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

func TestManagementFollowsThePartition(t *testing.T) {
	s := startServer(t, Config{Partitions: 1})
	c := newConsumer(t, s, s.ConnectionString())
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	for _, step := range []struct {
		name        string
		do          func()
		begin, last int64
		empty       bool
	}{
		{"new", func() {}, 0, -1, true},
		{"one event", func() { s.AppendMessage("0", Message{Body: [][]byte{body(0)}, Enqueued: at}) }, 0, 0, false},
		{"three events", func() { appendBodies(s, "0", 1, 3) }, 0, 2, false},
		{"the oldest removed", func() { s.Truncate("0", 1) }, 1, 2, false},
		{"nothing to remove", func() { s.Truncate("0", 1) }, 1, 2, false},
		{"all removed", func() { s.Truncate("0", 3) }, 3, 2, true},
		{"beyond the end", func() { s.Truncate("0", 100) }, 3, 2, true},
		{"written again", func() { s.Append("0", body(3)) }, 3, 3, false},
	} {
		step.do()
		p, err := c.GetPartitionProperties(testContext(t), "0", nil)
		require.NoError(t, err, step.name)
		require.Equal(t, step.begin, p.BeginningSequenceNumber, step.name)
		require.Equal(t, step.last, p.LastEnqueuedSequenceNumber, step.name)
		require.Equal(t, step.empty, p.IsEmpty, step.name)
		require.Equal(t, s.Partition("0").LastOffset, p.LastEnqueuedOffset, step.name)
		if step.name == "one event" {
			require.True(t, at.Equal(p.LastEnqueuedOn), "%v", p.LastEnqueuedOn)
		}
	}
}

func TestEveryRequestGetsItsOwnAnswer(t *testing.T) {
	s := startServer(t, Config{Partitions: 16})
	for i, id := range s.PartitionIDs() {
		appendBodies(s, id, 0, i)
	}
	c := newConsumer(t, s, s.ConnectionString())
	ctx := testContext(t)
	var all errgroup.Group
	for i := range 64 {
		id := strconv.Itoa(i % 16)
		all.Go(func() error {
			p, err := c.GetPartitionProperties(ctx, id, nil)
			if err != nil {
				return err
			}
			if p.PartitionID != id || p.LastEnqueuedSequenceNumber != int64(i%16)-1 {
				t.Errorf("partition %s was asked for, %+v answered", id, p)
			}
			return nil
		})
	}
	require.NoError(t, all.Wait())
}

func TestManagementAnswersWhileReadersAreRefused(t *testing.T) {
	s := startServer(t, Config{})
	s.RefuseAttaches("com.microsoft:server-busy")
	c := newConsumer(t, s, s.PlainConnectionString())
	_, err := newReader(t, c, "0", earliest()).ReceiveEvents(testContext(t), 1, nil)
	requireCondition(t, err, "com.microsoft:server-busy")
	s.Append("0", body(0))
	p, err := c.GetPartitionProperties(testContext(t), "0", nil)
	require.NoError(t, err)
	require.Equal(t, int64(0), p.LastEnqueuedSequenceNumber)
}

func TestManagementSurvivesAFault(t *testing.T) {
	for _, tc := range transports() {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, Config{})
			c := newConsumer(t, s, tc.connection(s), tc.dial)
			for range 3 {
				hub, err := c.GetEventHubProperties(testContext(t), nil)
				require.NoError(t, err)
				require.Equal(t, s.HubName(), hub.Name)
				require.Equal(t, 1, s.DropConnections())
			}
		})
	}
}

// ask sends a request to $management and gives the settlement.
func ask(t *testing.T, session *amqp.Session, m *amqp.Message) error {
	t.Helper()
	sender, err := session.NewSender(testContext(t), "$management", nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, sender.Close(testContext(t))) }()
	return sender.Send(testContext(t), m, nil)
}

func TestARequestThatNobodyCanAnswerHarmsNobody(t *testing.T) {
	s := startServer(t, Config{})
	session := trusted(t, s, amqp.ConnOptions{})
	read := map[string]any{"operation": "READ", "type": "com.microsoft:eventhub", "name": s.HubName()}
	require.NoError(t, ask(t, session, &amqp.Message{ApplicationProperties: read}), "without reply-to")
	require.NoError(t, ask(t, session, &amqp.Message{ApplicationProperties: read,
		Properties: &amqp.MessageProperties{MessageID: "1", ReplyTo: ptr("nobody")}}), "to nobody")

	answers, err := session.NewReceiver(testContext(t), "$management", &amqp.ReceiverOptions{TargetAddress: "me"})
	require.NoError(t, err)
	// A message id may be of any type, and comes back as it is.
	for _, id := range []any{"text", uint64(7), amqp.UUID{1, 2, 3}, []byte{4, 5}} {
		require.NoError(t, ask(t, session, &amqp.Message{ApplicationProperties: read,
			Properties: &amqp.MessageProperties{MessageID: id, ReplyTo: ptr("me")}}))
		m, err := answers.Receive(testContext(t), nil)
		require.NoError(t, err)
		require.Equal(t, id, m.Properties.CorrelationID)
		require.Equal(t, int32(200), m.ApplicationProperties["status-code"])
		require.Equal(t, int32(200), m.ApplicationProperties["statusCode"])
	}
}

func TestPartitionsCanBeAddedWhileReadersAreConnected(t *testing.T) {
	s := startServer(t, Config{Partitions: 2})
	s.Append("1", body(1))
	client := newConsumer(t, s, s.ConnectionString())
	old := newReader(t, client, "1", earliest())
	receive(t, old, 1)
	dialled := s.Dialled()

	s.AddPartitions(2)
	properties, err := client.GetEventHubProperties(testContext(t), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"0", "1", "2", "3"}, properties.PartitionIDs)
	s.Append("3", body(3))
	require.Equal(t, body(3), receive(t, newReader(t, client, "3", earliest()), 1)[0].Body)
	s.Append("1", body(2))
	require.Equal(t, body(2), receive(t, old, 1)[0].Body)
	require.Equal(t, dialled, s.Dialled(), "no connection was cut")
}
