package httpclient

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"aks-audit-log-go/internal/smallfile"
)

// maxTokenSize is the largest size of a token file in bytes. The file is read for each POST. Servers accept headers of
// 8 to 64 KiB.
const maxTokenSize = 64 << 10

var errNoToken = errors.New("there is no token in it: visible ASCII without white space")

// TokenFile is a file that holds a bearer token.
type TokenFile struct{ token *reloadedFile[string] }

// LoadToken reads the file. If it cannot be read later, or valid rejects its token, the previous token stays in use
// and warn is called. warn must not block. No error holds the token.
func LoadToken(path string, valid func(string) bool, warn func(error)) (*TokenFile, error) {
	token, err := loadFile(func() (string, error) {
		content, err := smallfile.Read(path, maxTokenSize)
		if err != nil {
			return "", fmt.Errorf("read the token: %s: %w", path, withoutPath(err))
		}
		token := strings.TrimSpace(string(content))
		if !valid(token) {
			return "", fmt.Errorf("read the token: %s: %w", path, errNoToken)
		}
		return token, nil
	}, warn)
	if err != nil {
		return nil, err
	}
	return &TokenFile{token}, nil
}

// Current reads the file again and returns its token. That takes microseconds.
func (t *TokenFile) Current() string { return t.token.current() }

// withoutPath returns the error without the path of a file.
func withoutPath(err error) error {
	var named *fs.PathError
	if errors.As(err, &named) {
		return named.Err
	}
	return err
}
