package smallfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAFileIsReplacedAsAWhole(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "state")
	for _, content := range []string{"the first, which is longer", "the second"} {
		require.NoError(t, Replace(path, ".tmp", []byte(content)))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, content, string(got))
	}
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing is left beside it")
}

func TestAFileThatCannotBeReplacedKeepsItsContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	require.NoError(t, Replace(path, ".tmp", []byte("old")))
	require.NoError(t, os.Mkdir(path+".tmp", 0o750))
	require.Error(t, Replace(path, ".tmp", []byte("new")))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "old", string(got))
	assert.Error(t, Replace(filepath.Join(path, "below"), ".tmp", nil))
}
