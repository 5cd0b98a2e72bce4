// Package certtest makes certificate authorities and certificates for tests of TLS.
package certtest

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

// Authority signs certificates.
type Authority struct{ *hubtest.Authority }

// NewAuthority returns a new authority that no client trusts.
func NewAuthority(t testing.TB, name string) *Authority {
	t.Helper()
	authority, err := hubtest.NewAuthority(name)
	require.NoError(t, err)
	return &Authority{authority}
}

// Issue signs a certificate and returns it with its key. The certificate is for a client, or for a server at a
// loopback address.
func (a *Authority) Issue(t testing.TB, name string) (certificate, key []byte) {
	t.Helper()
	certificate, key, err := a.Authority.Issue(name)
	require.NoError(t, err)
	return certificate, key
}

// ServerTLS returns the configuration of a server with a certificate of a. If clients is not nil, clients need a
// certificate of that authority.
func (a *Authority) ServerTLS(t testing.TB, clients *Authority) *tls.Config {
	t.Helper()
	pair, err := tls.X509KeyPair(a.Issue(t, "server"))
	require.NoError(t, err)
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if clients != nil {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		require.True(t, config.ClientCAs.AppendCertsFromPEM(clients.PEM))
	}
	return config
}
