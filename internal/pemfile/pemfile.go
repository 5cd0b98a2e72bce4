package pemfile

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// ErrNoCertificate is the error of Authorities for a file that holds no certificate.
var ErrNoCertificate = errors.New("there is no certificate in it")

var errCutShort = errors.New("it is cut short")

// Read returns the content of a PEM file. A file that ends within a block is an error, since it may still be being
// written: its first certificates could be used, and the absence of the others would show only later. Every error
// names the file, and none holds anything of its content.
func Read(path string) ([]byte, error) {
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

// Authorities returns the system's certificate authorities and those in the file. Every error names the file, but for
// that of reading the system's authorities.
func Authorities(path string) (*x509.CertPool, error) {
	content, err := Read(path)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's certificate authorities: %w", err)
	}
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s: %w", path, ErrNoCertificate)
	}
	return pool, nil
}
