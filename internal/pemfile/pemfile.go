package pemfile

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"

	"aks-audit-log-go/internal/smallfile"
)

// ErrNoCertificate is the error of Authorities for a file without a certificate.
var ErrNoCertificate = errors.New("there is no certificate in it")

var errCutShort = errors.New("it is cut short")

// maxSize is the largest size of a PEM file, in bytes. The bundles of Linux distributions have a quarter of a
// megabyte.
const maxSize = 16 << 20

// Read returns the content of a PEM file. It returns an error for a file that ends within a block, because the file
// may still be being written. Its first certificates could be used, and it would show only later that others are
// missing. Every error names the file, and none has any of its content.
func Read(path string) ([]byte, error) {
	content, err := smallfile.Read(path, maxSize)
	if err != nil {
		return nil, withPath(path, err)
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

// withPath adds the path to an error that does not name it.
func withPath(path string, err error) error {
	var named *fs.PathError
	if errors.As(err, &named) {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// Authorities returns the system's certificate authorities and those in the file. Its errors name the file, except for
// a failure to read the system's authorities.
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
