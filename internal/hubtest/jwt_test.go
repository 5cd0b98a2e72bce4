package hubtest

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/stretchr/testify/require"
)

// identity gives finished tokens.
type identity func() string

func (i identity) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: i(), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// signer makes tokens for an audience that live for a while.
func signer(t *testing.T, key, audience string, life time.Duration) identity {
	t.Helper()
	token, err := SignToken([]byte(key), audience, time.Now().Add(-time.Hour), time.Now().Add(life))
	require.NoError(t, err)
	return func() string { return token }
}

func newEntraConsumer(t *testing.T, s *Server, identity identity) *azeventhubs.ConsumerClient {
	t.Helper()
	c, err := azeventhubs.NewConsumerClient(s.secure.Addr().String(), s.HubName(), "$Default", identity,
		&azeventhubs.ConsumerClientOptions{TLSConfig: clientTLS(t, s), RetryOptions: azeventhubs.RetryOptions{MaxRetries: -1}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(testContext(t)) })
	return c
}

func TestATokenOfEntraIDIsTaken(t *testing.T) {
	for _, audience := range []string{HubAudience, HubAudience + "/"} {
		s := startServer(t, Config{TokenKey: []byte("k")})
		s.Append("0", body(0))
		c := newEntraConsumer(t, s, signer(t, "k", audience, time.Hour))
		requireBodies(t, receive(t, newReader(t, c, "0", earliest()), 1), 0)
		_, err := c.GetEventHubProperties(testContext(t), nil)
		require.NoError(t, err)
		require.Equal(t, 2, s.TokensTaken())
	}
}

func TestATokenOfEntraIDIsRefusedThatIs(t *testing.T) {
	for name, identity := range map[string]identity{
		"signed by somebody else":   signer(t, "other", HubAudience, time.Hour),
		"made for another service":  signer(t, "k", "https://storage.azure.com", time.Hour),
		"out of date":               signer(t, "k", HubAudience, -time.Second),
		"not a token":               func() string { return "nonsense" },
		"a shared access signature": func() string { return "SharedAccessSignature sr=a&sig=b&se=1&skn=c" },
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, Config{TokenKey: []byte("k")})
			c := newEntraConsumer(t, s, identity)
			_, err := newReader(t, c, "0", earliest()).ReceiveEvents(testContext(t), 1, nil)
			requireCode(t, err, azeventhubs.ErrorCodeUnauthorizedAccess)
			require.ErrorContains(t, err, "401")
			require.NotContains(t, err.Error(), identity())
			require.Zero(t, s.TokensTaken())
		})
	}
}

func TestWithoutAKeyForTokensNoneIsTaken(t *testing.T) {
	s := startServer(t, Config{})
	_, err := newEntraConsumer(t, s, signer(t, "k", HubAudience, time.Hour)).GetEventHubProperties(testContext(t), nil)
	require.ErrorContains(t, err, "InvalidIssuer")
}

func TestAnIdentityThatLostItsRoleIsRefusedTheLinkAndNotTheToken(t *testing.T) {
	s := startServer(t, Config{TokenKey: []byte("k")})
	s.Append("0", body(0))
	c := newEntraConsumer(t, s, signer(t, "k", HubAudience, time.Hour))
	held := newReader(t, c, "0", earliest())
	requireBodies(t, receive(t, held, 1), 0)
	s.RevokeRole(true)
	_, err := newReader(t, newEntraConsumer(t, s, signer(t, "k", HubAudience, time.Hour)), "1", earliest()).ReceiveEvents(testContext(t), 1, nil)
	requireCode(t, err, azeventhubs.ErrorCodeUnauthorizedAccess)
	require.ErrorContains(t, err, "'Listen' claim(s) are required")
	require.NotContains(t, err.Error(), "401")
	_, err = newEntraConsumer(t, s, signer(t, "k", HubAudience, time.Hour)).GetEventHubProperties(testContext(t), nil)
	require.ErrorContains(t, err, "401")
	s.Append("0", body(1))
	requireBodies(t, receive(t, held, 1), 1)
	s.RevokeRole(false)
	_, err = newEntraConsumer(t, s, signer(t, "k", HubAudience, time.Hour)).GetEventHubProperties(testContext(t), nil)
	require.NoError(t, err)
}

func TestALinkEndsWhenItsTokenOfEntraIDRunsOut(t *testing.T) {
	s := startServer(t, Config{TokenKey: []byte("k")})
	s.Append("0", body(0))
	p := newReader(t, newEntraConsumer(t, s, signer(t, "k", HubAudience, 10*time.Second)), "0", earliest())
	requireBodies(t, receive(t, p, 1), 0)
	_, err := p.ReceiveEvents(testContext(t), 1, nil)
	requireCode(t, err, azeventhubs.ErrorCodeUnauthorizedAccess)
	require.ErrorContains(t, err, "token is expired")
}

func TestTheCertificateIsForWhatStandsBesideTheHubToo(t *testing.T) {
	certificate, key, err := Certificate()
	require.NoError(t, err)
	pair, err := tls.X509KeyPair(certificate, key)
	require.NoError(t, err)
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	web.StartTLS()
	defer web.Close()
	roots := clientTLS(t, startServer(t, Config{})).RootCAs
	for _, host := range []string{"127.0.0.1", "localhost", "login." + CertificateDomain} {
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}}
		conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(web.URL, "https://"))
		require.NoError(t, err, host)
		require.NoError(t, conn.Close())
	}
}
