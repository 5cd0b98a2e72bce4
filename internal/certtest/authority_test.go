package certtest

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestACertificateIsTrustedByItsAuthorityAlone(t *testing.T) {
	ours, theirs := NewAuthority(t, "ours"), NewAuthority(t, "theirs")
	pair, err := tls.X509KeyPair(ours.Issue(t, "name"))
	require.NoError(t, err)
	assert.Equal(t, "name", pair.Leaf.Subject.CommonName)
	for authority, want := range map[*Authority]bool{ours: true, theirs: false} {
		roots := x509.NewCertPool()
		require.True(t, roots.AppendCertsFromPEM(authority.PEM))
		for _, host := range []string{"127.0.0.1", "::1"} {
			_, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots})
			assert.Equal(t, want, err == nil, "%s: %v", host, err)
		}
	}
}
