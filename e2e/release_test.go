package e2e

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// exampleEnvironment reads the variables that .envrc.example sets. If optional is true, it also reads those that are
// commented out.
func exampleEnvironment(t *testing.T, optional bool) harness.Settings {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(harness.ProductDir, ".envrc.example"))
	require.NoError(t, err)
	example := harness.Settings{}
	for line := range strings.Lines(string(content)) {
		if optional {
			line = strings.TrimPrefix(line, "# ")
		}
		assignment, exported := strings.CutPrefix(strings.TrimSpace(line), "export ")
		if !exported {
			continue
		}
		name, value, found := strings.Cut(assignment, "=")
		require.True(t, found, "a line of .envrc.example without a value: %s", line)
		example[name] = strings.Trim(value, `"'`)
	}
	return example
}

func TestTheReleaseBinaryRunsOnTheExampleEnvironment(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "aks-audit-log-go")
	// This is the command of the Dockerfile, except for the path of the binary.
	require.NoError(t, harness.BuildDaemon(t.Context(), append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux"),
		"-ldflags=-s", "-a", "-installsuffix", "cgo", "-o", binary, "."))
	assertStatic(t, binary)

	for name, optional := range map[string]bool{"only what is required": false, "all that is offered": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assertRunsOn(t, binary, exampleEnvironment(t, optional))
		})
	}
}

// assertRunsOn sets what an operator must set, and asserts that the daemon works.
func assertRunsOn(t *testing.T, binary string, environ harness.Settings) {
	t.Helper()
	hub, f, c := harness.StartHub(t, 2), harness.StartFalco(t), harness.NewBlobs(t)
	ours := harness.BlobSettings(t, hub, c, f.URL)
	for _, name := range []string{
		"EHUBNAMESPACECONNECTIONSTRING", "EVENTHUBNAME", "BLOBSTORAGECONNECTIONSTRING", "BLOBCONTAINERNAME", "WEBSINKURL",
	} {
		require.Contains(t, environ, name, "the example sets what is required")
		environ[name] = ours[name]
	}
	// The test needs these: the emulator's certificate, a free port, and time to stop on a busy machine.
	for _, name := range []string{"SSL_CERT_FILE", "STATSADDRESS", "SHUTDOWNTIMEOUT"} {
		environ[name] = ours[name]
	}
	fed := harness.NewFeed(hub)
	fed.Add(t, 5, 3)
	d := harness.RunDaemon(t, binary, environ)
	f.Await(t, fed.Total())
	d.AwaitReady(t)
	d.Stop(t)
	fed.AssertOnceInOrder(t, f.SeenJSON())
	harness.AssertCaughtUp(t, hub, c)
}

// assertStatic checks that the binary runs in an image without other files.
func assertStatic(t *testing.T, binary string) {
	t.Helper()
	file, err := elf.Open(binary)
	require.NoError(t, err)
	defer func() { assert.NoError(t, file.Close()) }()
	libraries, err := file.ImportedLibraries()
	require.NoError(t, err)
	assert.Empty(t, libraries)
	for _, program := range file.Progs {
		assert.NotEqual(t, elf.PT_INTERP, program.Type, "the binary needs a dynamic loader")
	}
}
