package smallfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAFileIsReadUpToTheLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("12345"), 0o600))
	content, err := Read(path, 5)
	require.NoError(t, err)
	assert.Equal(t, "12345", string(content))
	_, err = Read(path, 4)
	require.EqualError(t, err, "it has more than 4 bytes")
	_, err = Read("/dev/zero", 1<<20)
	require.ErrorContains(t, err, "more than")
	_, err = Read(path+"x", 4)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = Read(t.TempDir(), 4)
	require.Error(t, err)
}
