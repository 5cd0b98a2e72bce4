package hubtest

import (
	"crypto/tls"
	"sync"
)

// CertificateDomain is a domain that no name server knows (RFC 6761). Tests use it for hosts that are reached only
// through a proxy.
const CertificateDomain = "hubtest.test"

// issued is the authority of all servers of this process, and the one certificate that they present.
type issued struct {
	ca, certificate, key []byte
	leaf                 tls.Certificate
}

// processAuthority makes one authority for the whole process. A client that trusts the system's roots reads them once,
// so SSL_CERT_FILE has to name this authority before the first server starts.
var processAuthority = sync.OnceValues(func() (*issued, error) {
	ca, err := NewAuthority("hubtest CA")
	if err != nil {
		return nil, err
	}
	made := &issued{ca: ca.PEM}
	if made.certificate, made.key, err = ca.Issue("hubtest", "localhost", "*."+CertificateDomain); err != nil {
		return nil, err
	}
	made.leaf, err = tls.X509KeyPair(made.certificate, made.key)
	return made, err
})

// CA returns the certificate authority of all servers of this process, as PEM. It may be called before the first
// server starts. It returns an error only if the system has no randomness.
func CA() ([]byte, error) {
	made, err := processAuthority()
	if err != nil {
		return nil, err
	}
	return made.ca, nil
}

// Certificate returns a server certificate that is signed by CA, and its key, as PEM. It is for other servers of a
// test. It is valid for loopback, and for each host directly below CertificateDomain.
func Certificate() (certificate, key []byte, err error) {
	made, err := processAuthority()
	if err != nil {
		return nil, nil, err
	}
	return made.certificate, made.key, nil
}
