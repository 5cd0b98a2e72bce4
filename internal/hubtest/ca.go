package hubtest

import (
	"crypto/tls"
	"sync"
)

// CertificateDomain is a domain that no name server knows (RFC 6761), for what is reached through a
// proxy only.
const CertificateDomain = "hubtest.test"

// issued is the authority of every server of this process, and the one certificate that they show.
type issued struct {
	ca, certificate, key []byte
	leaf                 tls.Certificate
}

// processAuthority is one for the whole process, because a client that trusts the system's roots reads
// them once: SSL_CERT_FILE has to name this authority before the first server starts.
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

// CA is the certificate authority of every server of this process, in PEM; it may be had before the
// first of them starts. An error means that the system gave no randomness.
func CA() ([]byte, error) {
	made, err := processAuthority()
	if err != nil {
		return nil, err
	}
	return made.ca, nil
}

// Certificate is a server's certificate by CA, as PEM, for those that stand beside the hub: it is for
// loopback and for every host directly below CertificateDomain.
func Certificate() (certificate, key []byte, err error) {
	made, err := processAuthority()
	if err != nil {
		return nil, nil, err
	}
	return made.certificate, made.key, nil
}
