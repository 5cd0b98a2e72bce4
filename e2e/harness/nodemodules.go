package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
)

// nodeWithModules installs the packages of package-lock.json, and returns the path of node.
var nodeWithModules = sync.OnceValues(func() (string, error) {
	const help = "the end-to-end tests need Node.js and npm on the PATH to run Azurite and a browser"
	node, err := exec.LookPath("node")
	if err != nil {
		return "", fmt.Errorf("%s: %w", help, err)
	}
	installed, err := modulesInstalled()
	if installed || err != nil {
		return node, err
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("%s: %w", help, err)
	}
	// The packages need no install scripts. All tests share the packages, so no test's context may end the
	// installation.
	out, err := exec.CommandContext(context.Background(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return node, nil
})

// modulesInstalled reports whether npm has installed what package-lock.json pins now. npm writes its own lock file
// last. So an installation does not count if it was interrupted, or if it is older than a change.
func modulesInstalled() (bool, error) {
	wanted, err := os.Stat("package-lock.json")
	if err != nil {
		return false, fmt.Errorf("find package-lock.json: %w", err)
	}
	installed, err := os.Stat("node_modules/.package-lock.json")
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find the installed modules: %w", err)
	}
	return !installed.ModTime().Before(wanted.ModTime()), nil
}
