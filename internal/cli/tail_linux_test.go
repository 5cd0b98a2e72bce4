package cli

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyATerminalIsColouredAndOnlyIfTheUserLikesIt(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	defer func() { assert.NoError(t, terminal.Close()) }()
	for variable, want := range map[string]bool{"A=b": true, "NO_COLOR=": true, "NO_COLOR=1": false, "TERM=xterm": true, "TERM=dumb": false} {
		p := program{environ: []string{variable}, stdout: &watchedWriter{Writer: terminal}}
		assert.Equal(t, want, p.coloured(), variable)
		p.stdout = &watchedWriter{Writer: &bytes.Buffer{}}
		assert.False(t, p.coloured(), variable)
	}
}
