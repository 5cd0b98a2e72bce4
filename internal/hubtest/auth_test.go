package hubtest

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/Azure/go-amqp"
	"github.com/stretchr/testify/require"
)

// withToken is a connection string that holds a finished token in place of the key.
func withToken(s *Server, token string) string {
	endpoint, _, _ := strings.Cut(s.ConnectionString(), ";")
	return endpoint + ";SharedAccessSignature=" + token
}

func hubToken(s *Server, expiry time.Time) string {
	return sign(url.QueryEscape("amqps://127.0.0.1/"+s.HubName()), s.cfg.KeyName, s.cfg.Key, expiry)
}

func TestAWrongKeyIsRefused(t *testing.T) {
	for _, tc := range transports() {
		t.Run(tc.name, func(t *testing.T) {
			s := startServer(t, Config{Key: "right"})
			c := newConsumer(t, s, strings.Replace(tc.connection(s), "SharedAccessKey=right", "SharedAccessKey=wrong", 1), tc.dial)
			_, err := newReader(t, c, "0", earliest()).ReceiveEvents(testContext(t), 1, nil)
			requireCode(t, err, azeventhubs.ErrorCodeUnauthorizedAccess)
			require.ErrorContains(t, err, "401")
			_, err = c.GetEventHubProperties(testContext(t), nil)
			require.ErrorContains(t, err, "401")
		})
	}
}

func requireCode(t *testing.T, err error, code azeventhubs.ErrorCode) {
	t.Helper()
	var e *azeventhubs.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, "%v", err)
}

func TestAnExpiredTokenIsRefused(t *testing.T) {
	s := startServer(t, Config{})
	p := newReader(t, newConsumer(t, s, withToken(s, hubToken(s, time.Now().Add(-time.Second)))), "0", earliest())
	_, err := p.ReceiveEvents(testContext(t), 1, nil)
	requireCode(t, err, azeventhubs.ErrorCodeUnauthorizedAccess)
}

func TestALinkEndsWhenItsClaimRunsOut(t *testing.T) {
	s := startServer(t, Config{})
	s.Append("0", body(0))
	// A life that leaves a busy machine time to attach: expiry counts whole seconds.
	p := newReader(t, newConsumer(t, s, withToken(s, hubToken(s, time.Now().Add(10*time.Second)))), "0", earliest())
	requireBodies(t, receive(t, p, 1), 0)
	_, err := p.ReceiveEvents(testContext(t), 1, nil)
	requireCode(t, err, azeventhubs.ErrorCodeUnauthorizedAccess)
	waitReceivers(t, s, "0", 0)
}

// dialAMQP connects a bare AMQP client over plain TCP.
func dialAMQP(t *testing.T, s *Server, options *amqp.ConnOptions) (*amqp.Session, error) {
	t.Helper()
	conn, err := amqp.Dial(testContext(t), "amqp://"+s.plain.Addr().String(), options)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.NewSession(testContext(t), nil)
}

func consumerAddress(s *Server, partition string) string {
	return s.HubName() + "/ConsumerGroups/$Default/Partitions/" + partition
}

func TestALinkWithoutAClaimIsRefused(t *testing.T) {
	s := startServer(t, Config{})
	session, err := dialAMQP(t, s, &amqp.ConnOptions{SASLType: amqp.SASLTypeAnonymous()})
	require.NoError(t, err)
	_, err = session.NewReceiver(testContext(t), consumerAddress(s, "0"), nil)
	requireCondition(t, err, condUnauthorized)
	_, err = session.NewSender(testContext(t), s.HubName(), nil)
	requireCondition(t, err, condUnauthorized)
	// What does not exist is not told apart from what may not be known.
	_, err = session.NewReceiver(testContext(t), consumerAddress(s, "99"), nil)
	requireCondition(t, err, condUnauthorized)
}

func requireCondition[T ~string](t *testing.T, err error, condition T) {
	t.Helper()
	var e *amqp.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, string(condition), string(e.Condition))
}

// trusted connects with SASL PLAIN, which needs no claims.
func trusted(t *testing.T, s *Server, options amqp.ConnOptions) *amqp.Session {
	t.Helper()
	options.SASLType = amqp.SASLTypePlain(s.cfg.KeyName, s.cfg.Key)
	session, err := dialAMQP(t, s, &options)
	require.NoError(t, err)
	return session
}

func TestTheSASLMechanisms(t *testing.T) {
	s := startServer(t, Config{})
	for _, tc := range []struct {
		name    string
		sasl    amqp.SASLType
		granted bool
	}{
		{"anonymous", amqp.SASLTypeAnonymous(), true},
		{"external", amqp.SASLTypeExternal(""), true},
		{"plain", amqp.SASLTypePlain(s.cfg.KeyName, s.cfg.Key), true},
		{"plain with a wrong key", amqp.SASLTypePlain(s.cfg.KeyName, "wrong"), false},
		{"one that is not offered", amqp.SASLTypeXOAUTH2("user", "bearer", 512), false},
		{"none", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := dialAMQP(t, s, &amqp.ConnOptions{SASLType: tc.sasl})
			require.Equal(t, tc.granted, err == nil, "%v", err)
		})
	}
}

func TestAddressesThatAreNotThere(t *testing.T) {
	s := startServer(t, Config{Partitions: 2, ConsumerGroups: []string{"Falco"}})
	session := trusted(t, s, amqp.ConnOptions{})
	attach := func(ctx context.Context, address string, receive bool) error {
		var err error
		if receive {
			_, err = session.NewReceiver(ctx, address, nil)
		} else {
			_, err = session.NewSender(ctx, address, nil)
		}
		return err
	}
	hub := s.HubName()
	for _, tc := range []struct {
		name, address string
		receive       bool
		condition     string // "" for attached
	}{
		{"reader", hub + "/ConsumerGroups/$Default/Partitions/1", true, ""},
		{"reader, other letter case", strings.ToUpper(hub) + "/consumergroups/$DEFAULT/partitions/1", true, ""},
		{"reader with scheme and host", "amqps://host/" + hub + "/ConsumerGroups/falco/Partitions/1", true, ""},
		{"reader of another hub", "other/ConsumerGroups/$Default/Partitions/1", true, "amqp:not-found"},
		{"reader of another group", hub + "/ConsumerGroups/other/Partitions/1", true, "amqp:not-found"},
		{"reader of another partition", hub + "/ConsumerGroups/$Default/Partitions/2", true, "com.microsoft:argument-out-of-range"},
		{"reader of the hub", hub, true, "amqp:not-allowed"},
		{"reader of nonsense", "a/b", true, "amqp:not-found"},
		{"sender", hub, false, ""},
		{"sender to a partition", hub + "/Partitions/0", false, ""},
		{"sender to another partition", hub + "/Partitions/2", false, "com.microsoft:argument-out-of-range"},
		{"sender to another hub", "other", false, "amqp:not-found"},
		{"sender to a consumer group", hub + "/ConsumerGroups/$Default/Partitions/1", false, "amqp:not-allowed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := attach(testContext(t), tc.address, tc.receive)
			if tc.condition == "" {
				require.NoError(t, err)
				return
			}
			requireCondition(t, err, tc.condition)
		})
	}
}
