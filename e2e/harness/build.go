package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// ProductDir is the folder of the product's main package, relative to the folder e2e.
const ProductDir = ".."

// raceBinaryOnce builds the daemon with the race detector once for all tests.
var raceBinaryOnce = sync.OnceValues(func() (string, error) { return buildShared(os.Environ(), "-race") })

// buildShared builds a daemon that all tests share.
func buildShared(environ []string, args ...string) (string, error) {
	dir, err := os.MkdirTemp("", "aks-audit-log-go-e2e-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the daemon's binary: %w", err)
	}
	AtEnd.Add(func() error { return os.RemoveAll(dir) })
	path := filepath.Join(dir, "aks-audit-log-go")
	return path, BuildDaemon(context.Background(), environ, append(args, "-o", path, ".")...)
}

// RaceBinary returns the path of a daemon that is built with the race detector.
func RaceBinary(t *testing.T) string {
	t.Helper()
	path, err := raceBinaryOnce()
	require.NoError(t, err)
	return path
}

// BuildDaemon runs `go build` in the product's folder.
func BuildDaemon(ctx context.Context, environ []string, args ...string) error {
	return BuildIn(ctx, ProductDir, environ, args...)
}

// BuildIn runs `go build` in a folder.
func BuildIn(ctx context.Context, dir string, environ []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...)
	cmd.Dir = dir
	cmd.Env = environ
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build in %s: %w\n%s", dir, err, out)
	}
	return nil
}

// releaseBinaryOnce builds the daemon as it is released once for all tests.
var releaseBinaryOnce = sync.OnceValues(func() (string, error) {
	return buildShared(append(os.Environ(), "CGO_ENABLED=0"))
})

// ReleaseBinary returns the path of a daemon that is built as it is released. The race detector would multiply the
// daemon's memory and answer times.
func ReleaseBinary(t *testing.T) string {
	t.Helper()
	path, err := releaseBinaryOnce()
	require.NoError(t, err)
	return path
}
