package httpclient

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"aks-audit-log-go/internal/pemfile"
)

// TLSFiles names the PEM files of a client's authorities and certificate. Each name may be empty. Certificate and Key
// go together.
type TLSFiles struct {
	// CA holds authorities that may sign the server's certificate, in addition to the system's.
	CA string
	// Certificate holds the client certificate, the leaf first.
	Certificate string
	Key         string
}

// TLS holds the content of TLSFiles. The files are read for each new connection, so that a renewed certificate is used
// without a restart. Open connections stay open. A nil *TLS stands for no files.
type TLS struct {
	authorities *reloadedFile[*x509.CertPool]
	certificate *reloadedFile[*tls.Certificate]
}

// LoadTLS reads the files. If a file is invalid later, its previous content stays in use and warn is called. warn must
// not block. No error holds any part of a key.
func LoadTLS(files TLSFiles, warn func(error)) (*TLS, error) {
	t := &TLS{}
	var err error
	if files.CA != "" {
		if t.authorities, err = loadFile(func() (*x509.CertPool, error) { return authorities(files.CA) }, warn); err != nil {
			return nil, err
		}
	}
	if files.Certificate != "" {
		if t.certificate, err = loadFile(func() (*tls.Certificate, error) { return certificate(files) }, warn); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// config returns the TLS configuration of a client. Its certificate follows the files, but its authorities are the
// current ones (see renew).
func (t *TLS) config() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	t.renew(config)
	if t != nil && t.certificate != nil {
		// The certificate is shown even if the server accepts none of its authorities. The server's error then says
		// that the certificate is not accepted, instead of that there was none.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return t.certificate.current(), nil
		}
	}
	return config
}

// renew puts the current authorities into config, which must not be in use yet.
func (t *TLS) renew(config *tls.Config) {
	if t != nil && t.authorities != nil {
		config.RootCAs = t.authorities.current()
	}
}

func authorities(path string) (*x509.CertPool, error) {
	pool, err := pemfile.Authorities(path)
	if err != nil {
		return nil, fmt.Errorf("read the authorities: %w", err)
	}
	return pool, nil
}

func certificate(files TLSFiles) (*tls.Certificate, error) {
	chain, err := pemfile.Read(files.Certificate)
	if err != nil {
		return nil, fmt.Errorf("read the client certificate: %w", err)
	}
	key, err := pemfile.Read(files.Key)
	if err != nil {
		return nil, fmt.Errorf("read the client certificate's key: %w", err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("use the client certificate %s with the key %s: %w", files.Certificate, files.Key, err)
	}
	return &pair, nil
}
