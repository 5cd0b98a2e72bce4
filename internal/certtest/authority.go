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

// NewAuthority makes one that nobody trusts yet.
func NewAuthority(t testing.TB, name string) *Authority {
	t.Helper()
	authority, err := hubtest.NewAuthority(name)
	require.NoError(t, err)
	return &Authority{authority}
}

// Issue signs a certificate, for a client or a server at a loopback address, and returns it with its key.
func (a *Authority) Issue(t testing.TB, name string) (certificate, key []byte) {
	t.Helper()
	certificate, key, err := a.Authority.Issue(name)
	require.NoError(t, err)
	return certificate, key
}

// ServerTLS makes a server show a certificate of a and demand one of clients, where that is not nil.
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
