package httpclient

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func oneWord(token string) bool { return token != "" && !strings.Contains(token, " ") }

func TestATokenIsReadAgainAndAnErrorKeepsTheOldOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write := func(content string) { require.NoError(t, os.WriteFile(path, []byte(content), 0o600)) }
	var warnings []string
	warn := func(err error) { warnings = append(warnings, err.Error()) }
	_, err := LoadToken(path, oneWord, warn)
	require.ErrorIs(t, err, fs.ErrNotExist)
	write("two words")
	_, err = LoadToken(path, oneWord, warn)
	require.ErrorIs(t, err, errNoToken)
	assert.NotContains(t, err.Error(), "two")

	write("first\n")
	token, err := LoadToken(path, oneWord, warn)
	require.NoError(t, err)
	assert.Equal(t, "first", token.Current())
	write("second")
	assert.Equal(t, "second", token.Current())
	write("")
	assert.Equal(t, "second", token.Current())
	assert.Equal(t, "second", token.Current())
	require.NoError(t, os.Remove(path))
	assert.Equal(t, "second", token.Current())
	require.Len(t, warnings, 2)
	assert.Contains(t, warnings[0], errNoToken.Error())
	assert.Contains(t, warnings[1], "no such file")
	write("third")
	assert.Equal(t, "third", token.Current())
}
