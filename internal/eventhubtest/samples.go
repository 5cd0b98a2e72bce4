package eventhubtest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Samples returns the files of real data that match the pattern, by name. They are stored beside the repository, in
// ../shared/samples, not in it. Where the folder is missing it skips the test, but fails it in CI (the variable CI).
func Samples(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	folder := filepath.Join(filepath.Dir(here), "..", "..", "..", "shared", "samples")
	if _, err := os.Stat(folder); os.IsNotExist(err) {
		require.Empty(t, os.Getenv("CI"), "the folder of real samples is missing: %s", folder)
		t.Skipf("the folder of real samples is missing: %s", folder)
	}
	paths, err := filepath.Glob(filepath.Join(folder, pattern))
	require.NoError(t, err)
	require.NotEmpty(t, paths, "no sample matches %s", pattern)
	samples := map[string][]byte{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		samples[filepath.Base(path)] = content
	}
	return samples
}
