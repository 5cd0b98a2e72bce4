package dir

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheFolderAboveEachNewOneIsSynced(t *testing.T) {
	root := t.TempDir()
	var synced []string
	note := func(folder string) error {
		require.DirExists(t, filepath.Join(root, "a", "b", "c"), "all are made before")
		synced = append(synced, folder)
		return nil
	}
	deep := filepath.Join(root, "a", "b", "c")
	require.NoError(t, makeFolder(deep+"/", note))
	assert.ElementsMatch(t, []string{root, filepath.Join(root, "a"), filepath.Join(root, "a", "b")}, synced)

	synced = nil
	require.NoError(t, makeFolder(deep, note))
	assert.Empty(t, synced, "nothing is new")

	failure := errors.New("no space")
	require.ErrorIs(t, makeFolder(filepath.Join(root, "d"), func(string) error { return failure }), failure)
	t.Chdir(root)
	synced = nil
	require.NoError(t, makeFolder("relative/folder", note))
	assert.ElementsMatch(t, []string{".", "relative"}, synced)

	require.NoError(t, os.WriteFile(filepath.Join(root, "file"), nil, 0o600))
	assert.Error(t, makeFolder(filepath.Join(root, "file"), note))
}
