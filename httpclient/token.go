package httpclient

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

var errNoToken = errors.New("there is no token in it: visible ASCII without white space")

// TokenFile is a file that holds a bearer token.
type TokenFile struct{ token *reloadedFile[string] }

// LoadToken reads the file. If it cannot be read later, or valid rejects its token, the token from before stays in use
// and warn is called; warn must not block. No error holds the token.
func LoadToken(path string, valid func(string) bool, warn func(error)) (*TokenFile, error) {
	token, err := loadFile(func() (string, error) {
		content, err := os.ReadFile(path) // #nosec G304 -- the operator names it
		if err != nil {
			return "", fmt.Errorf("read the token: %w", err)
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
