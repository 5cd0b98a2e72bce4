package hubclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/azauthtest"
	"aks-audit-log-go/internal/eventhubtest"
	"aks-audit-log-go/internal/hubtest"
)

// testIdentity is an identity whose tokens the emulator accepts, unless told otherwise.
type testIdentity struct {
	key  []byte
	life time.Duration
	// promised is the life that the client is told, if different.
	promised time.Duration
	asked    atomic.Int32
	gone     atomic.Bool
}

func (i *testIdentity) get(context.Context) (azcore.AccessToken, error) {
	i.asked.Add(1)
	if i.gone.Load() {
		return azcore.AccessToken{}, errors.New("nobody is signed in")
	}
	// The times in a token are whole seconds.
	from := time.Now().Truncate(time.Second)
	token, err := hubtest.SignToken(i.key, hubtest.HubAudience+"/", from, from.Add(i.life))
	return azcore.AccessToken{Token: token, ExpiresOn: from.Add(cmp.Or(i.promised, i.life))}, err
}

// startEntra starts an emulator that accepts an identity's tokens, and a client with that identity.
func startEntra(t *testing.T, client forwarder.HubClient, life time.Duration, changes ...string) (*hubtest.Server, *testIdentity, eventhub.Hub) {
	t.Helper()
	identity := &testIdentity{key: []byte("the key of Entra ID"), life: life}
	server, err := hubtest.Start(hubtest.Config{Partitions: 2, TokenKey: identity.key})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	_, rest, _ := strings.Cut(server.ConnectionString(), "sb://")
	host, _, _ := strings.Cut(rest, "/")
	changes = append(changes, "EHUBNAMESPACECONNECTIONSTRING=", "EVENTHUBNAMESPACE="+host)
	hub, err := newHub(eventhubtest.EmulatorConfig(t, server, client, changes...), "reader", azauth.NewTokenSource(azauth.HubResource, azauthtest.CredentialFunc(identity.get)))
	require.NoError(t, err)
	t.Cleanup(func() { closeHub(t, hub) })
	return server, identity, hub
}

// assertDenied checks that err says what the operator has to do, once, and shows no token.
func assertDenied(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	assert.Equal(t, eventhub.ServiceHub, eventhub.AccessDeniedBy(err), err)
	assert.Equal(t, 1, strings.Count(err.Error(), `the hub does not accept this identity: this identity has to have the role "Azure Event Hubs Data Receiver"`), err)
	assert.NotContains(t, err.Error(), "eyJ")
}

func TestEventsComeWithATokenOfEntraIDInPlaceOfAKey(t *testing.T) {
	t.Parallel()
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		for _, transport := range []string{"amqp", "websocket"} {
			server, identity, hub := startEntra(t, client, time.Hour, "EVENTHUBTRANSPORT="+transport)
			server.Append("0", []byte("a"))
			server.Append("1", []byte("b"))
			partitions, err := hub.PartitionIDs(t.Context())
			require.NoError(t, err)
			assert.Equal(t, []string{"0", "1"}, partitions)
			for partition, body := range map[string]string{"0": "a", "1": "b"} {
				r := eventhubtest.StartReading(t, hub, partition, eventhub.Beginning())
				assert.Equal(t, body, string(r.Next(t).Body))
				r.Stop(t)
			}
			assert.Equal(t, int32(1), identity.asked.Load(), "one token does for all of it")
		}
	})
}

func TestAnIdentityWithoutItsRoleIsToldWhichItNeeds(t *testing.T) {
	t.Parallel()
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		server, _, hub := startEntra(t, client, time.Hour)
		server.RevokeRole(true)
		_, err := hub.PartitionIDs(t.Context())
		assertDenied(t, err)
		_, err = hub.PartitionInfo(t.Context(), "0")
		assertDenied(t, err)
		assertDenied(t, hub.Receive(t.Context(), "0", eventhub.Beginning(), eventhub.Receiver{Handle: func(context.Context, eventhub.Event) {}}))

		server.RevokeRole(false)
		server.Append("0", []byte("a"))
		r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
		r.Expect(t, 0)
		r.Stop(t)
	})
}

func TestTheErrorOfARejectedTokenNamesTheRoleAndTheReason(t *testing.T) {
	t.Parallel()
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		_, identity, hub := startEntra(t, client, time.Hour)
		identity.key = []byte("that of another tenant")
		_, err := hub.PartitionInfo(t.Context(), "0")
		assertDenied(t, err)
		err = hub.Receive(t.Context(), "0", eventhub.Beginning(), eventhub.Receiver{Handle: func(context.Context, eventhub.Event) {}})
		assertDenied(t, err)
		require.ErrorContains(t, err, "401")
		require.ErrorContains(t, err, "signature is invalid")
	})
}

func TestWithoutATokenNoRequestIsSentToTheHub(t *testing.T) {
	t.Parallel()
	eventhubtest.WithEachClient(t, func(t *testing.T, client forwarder.HubClient) {
		_, identity, hub := startEntra(t, client, time.Hour)
		identity.gone.Store(true)
		_, err := hub.PartitionIDs(t.Context())
		require.ErrorContains(t, err, "no token of Microsoft Entra ID for the event hub: nobody is signed in")
		assert.Equal(t, eventhub.ServiceHub, eventhub.AccessDeniedBy(err))
		err = hub.Receive(t.Context(), "0", eventhub.Beginning(), eventhub.Receiver{Handle: func(context.Context, eventhub.Event) {}})
		require.ErrorContains(t, err, "no token of Microsoft Entra ID for the event hub: nobody is signed in")
		assert.Equal(t, eventhub.ServiceHub, eventhub.AccessDeniedBy(err))
	})
}

// The partitions share a connection. After unknown errors, the SDK opens it again.
func TestAPartitionWithoutATokenDoesNotDisconnectTheOthers(t *testing.T) {
	t.Parallel()
	server, identity, hub := startEntra(t, forwarder.ClientAzEventHubs, time.Hour)
	identity.promised = time.Millisecond // the token itself lasts the hour
	server.Append("0", []byte("a"))
	r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
	r.Expect(t, 0)
	identity.gone.Store(true)
	before := server.Dialled()
	az := hub.(*azEventHubs)
	link, err := az.open(az.consumer, "1", sdkPosition(eventhub.Beginning()))
	require.NoError(t, err)
	defer closeQuietly(t.Context(), link.Close)
	_, err = link.ReceiveEvents(t.Context(), 1, nil)
	assert.Equal(t, eventhub.ServiceHub, eventhub.AccessDeniedBy(err), err)
	server.Append("0", []byte("b"))
	r.Expect(t, 1)
	assert.Equal(t, before, server.Dialled())
	r.Stop(t)
}

func TestALinkWhoseTokenExpiredIsOpenedAgainWithANewOne(t *testing.T) {
	t.Parallel()
	// azeventhubs renews after two minutes at the earliest: identity_torture_test.go.
	server, _, hub := startEntra(t, forwarder.ClientAzEventHubs, 3*time.Second)
	r := startRetrying(t, hub)
	for sequence := range int64(2) {
		server.Append("0", fmt.Appendf(nil, "%d", sequence))
		r.Expect(t, sequence)
		taken := server.TokensTaken()
		require.Eventually(t, func() bool { return server.TokensTaken() > taken }, eventhubtest.WaitLimit, 10*time.Millisecond)
	}
	r.Stop(t)
}

func TestALinkWhoseTokenExpiredIsNotDeniedAccess(t *testing.T) {
	t.Parallel()
	server, _, hub := startEntra(t, forwarder.ClientAzEventHubs, 3*time.Second)
	server.Append("0", []byte("a"))
	r := eventhubtest.StartReading(t, hub, "0", eventhub.Beginning())
	r.Expect(t, 0)
	err := r.End(t)
	require.ErrorContains(t, err, "ExpiredToken")
	assert.Empty(t, eventhub.AccessDeniedBy(err))
}
