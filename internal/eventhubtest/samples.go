package eventhubtest

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Samples returns the files of real data that match the pattern, by name. They are not in the repository, but beside
// it in ../shared/samples. If the folder is missing, Samples skips the test. In CI (the variable CI), it fails the
// test.
func Samples(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	folder := filepath.Join(filepath.Dir(here), "..", "..", "..", "shared", "samples")
	if _, err := os.Stat(folder); os.IsNotExist(err) {
		require.Empty(t, os.Getenv("CI"), "the folder of real samples is missing: %s", folder)
		t.Skipf("the folder of real samples is missing: %s", folder)
	}
	files := os.DirFS(folder)
	names, err := fs.Glob(files, pattern)
	require.NoError(t, err)
	require.NotEmpty(t, names, "no sample matches %s", pattern)
	samples := map[string][]byte{}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		samples[path.Base(name)] = content
	}
	return samples
}
