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
	write(strings.Repeat("x", maxTokenSize+1))
	assert.Equal(t, "second", token.Current())
	require.Len(t, warnings, 3)
	assert.Contains(t, warnings[2], path+": it has more than 65536 bytes")
	write("third")
	assert.Equal(t, "third", token.Current())
}

func TestAReadThatHangsHoldsUpNobodyAndBringsNothingOldBack(t *testing.T) {
	hangs, goesOn := make(chan struct{}), make(chan struct{})
	next := make(chan func() string, 3)
	file, err := loadFile(func() (string, error) {
		select {
		case read := <-next:
			return read(), nil
		default:
			return "first", nil
		}
	}, func(error) {})
	require.NoError(t, err)
	next <- func() string {
		close(hangs)
		<-goesOn
		return "old"
	}
	got := make(chan string)
	go func() { got <- file.current() }()
	<-hangs
	next <- func() string { return "new" }
	assert.Equal(t, "new", file.current())
	close(goesOn)
	assert.Equal(t, "new", <-got)
	next <- func() string { return "newest" }
	assert.Equal(t, "newest", file.current())
}
