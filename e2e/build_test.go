package e2e

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

// productDir is the folder of the product's main package, seen from here.
const productDir = ".."

// raceBinary builds the daemon once, with the race detector in it.
var raceBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "aks-audit-log-go-e2e-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the daemon's binary: %w", err)
	}
	shared.add(func() error { return os.RemoveAll(dir) })
	path := filepath.Join(dir, "aks-audit-log-go")
	return path, build(context.Background(), os.Environ(), "-race", "-o", path, ".")
})

// daemonBinary is the path of the race-checked daemon.
func daemonBinary(t *testing.T) string {
	t.Helper()
	path, err := raceBinary()
	require.NoError(t, err)
	return path
}

// build runs `go build` in the product's folder.
func build(ctx context.Context, environ []string, args ...string) error {
	return buildIn(ctx, productDir, environ, args...)
}

func buildIn(ctx context.Context, dir string, environ []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...)
	cmd.Dir = dir
	cmd.Env = environ
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build in %s: %w\n%s", dir, err, out)
	}
	return nil
}
