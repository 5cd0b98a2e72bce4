package httpclient

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

var (
	errNoCertificate = errors.New("there is no certificate in it")
	errCutShort      = errors.New("it is cut short")
)

// TLSFiles are the PEM files that say whom a client trusts and who it is. Each may be empty;
// Certificate and Key go together.
type TLSFiles struct {
	// CA has authorities that may sign the server's certificate, in addition to the system's.
	CA string
	// Certificate has the certificate that the server is shown, the leaf first.
	Certificate string
	// Key has its private key.
	Key string
}

// TLS is what TLSFiles hold. The files are read for each new connection, so that a renewed
// certificate is used without a restart; no open connection is cut for it. A nil one is of no files.
type TLS struct {
	authorities *reloadedFile[*x509.CertPool]
	certificate *reloadedFile[*tls.Certificate]
}

// LoadTLS reads the files. warn is told when they cannot be read later, or not be used, and what
// was read before stays in use; it must not block. No error holds anything of a key.
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

// config is how a client of these files speaks TLS from now on. Its authorities are those of now;
// see renew.
func (t *TLS) config() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	t.renew(config)
	if t != nil && t.certificate != nil {
		// A server that likes none of our certificate's authorities is shown it all the same: then
		// it says that it does not, and not that there was none.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return t.certificate.current(), nil
		}
	}
	return config
}

// renew puts the authorities as they are now into config, which must be in no use yet.
func (t *TLS) renew(config *tls.Config) {
	if t != nil && t.authorities != nil {
		config.RootCAs = t.authorities.current()
	}
}

func authorities(path string) (*x509.CertPool, error) {
	content, err := readWhole(path)
	if err != nil {
		return nil, fmt.Errorf("read the authorities: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's authorities: %w", err)
	}
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("read the authorities: %s: %w", path, errNoCertificate)
	}
	return pool, nil
}

func certificate(files TLSFiles) (*tls.Certificate, error) {
	chain, err := readWhole(files.Certificate)
	if err != nil {
		return nil, fmt.Errorf("read the client certificate: %w", err)
	}
	key, err := readWhole(files.Key)
	if err != nil {
		return nil, fmt.Errorf("read the client certificate's key: %w", err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("use the client certificate %s with the key %s: %w", files.Certificate, files.Key, err)
	}
	return &pair, nil
}

// readWhole reads a PEM file and refuses one that ends within a block, as while it is written: its
// first certificates would do, and those that are missing be missed only later.
func readWhole(path string) ([]byte, error) {
	content, err := os.ReadFile(path) // #nosec G304 -- the operator names it
	if err != nil {
		return nil, err
	}
	rest := content
	for block := new(pem.Block); block != nil; {
		block, rest = pem.Decode(rest)
	}
	if bytes.Contains(rest, []byte("-----BEGIN")) {
		return nil, fmt.Errorf("%s: %w", path, errCutShort)
	}
	return content, nil
}
