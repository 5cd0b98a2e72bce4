// Package azure_test runs the set-up scripts with an az, a kubectl and a helm that only pretend.
package azure_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

const (
	subscription = "00000000-0000-0000-0000-000000000001"
	clusterName  = "prod"
	issuer       = "https://westeurope.oic.prod-aks.azure.com/tenant/issuer/"
	webhook      = "falco/falco-k8saudit-webhook"
)

// TestMain also is the tools: they are links to this binary.
func TestMain(m *testing.M) {
	switch tool := filepath.Base(os.Args[0]); tool {
	case "az", "kubectl", "helm":
		os.Exit(fakeMain(tool, os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// outcome is how a run of a script ended.
type outcome struct {
	code           int
	stdout, stderr string
	// calls are what it called, changes those of them that change something.
	calls, changes []string
}

// desk is where scripts are run: a folder with the tools, and the world that these know.
type desk struct {
	t     *testing.T
	tools string
	world string
}

// newDesk has a cluster with workload identity and Falco, and an empty resource group.
func newDesk(t *testing.T) desk {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	d := desk{t: t, tools: filepath.Join(dir, "tools"), world: filepath.Join(dir, "world.json")}
	require.NoError(t, os.Mkdir(d.tools, 0o700))
	for _, tool := range []string{"az", "kubectl", "helm"} {
		require.NoError(t, os.Symlink(self, filepath.Join(d.tools, tool)))
	}
	// Nothing else is on the path: no real az, and no command that a bare system lacks.
	for _, tool := range []string{"bash", "cat", "cksum", "cut", "dirname", "grep", "mktemp", "rm", "sleep", "tr"} {
		real, err := exec.LookPath(tool)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(real, filepath.Join(d.tools, tool)))
	}
	d.write(&world{
		Issuer: issuer, Workload: true, Services: []string{webhook},
		Things: map[string][]map[string]any{}, Releases: map[string]string{},
	})
	return d
}

func (d desk) read() *world {
	w, err := readWorld(d.world)
	require.NoError(d.t, err)
	return w
}

func (d desk) write(w *world) { require.NoError(d.t, w.write(d.world)) }

// with changes the world.
func (d desk) with(change func(*world)) desk {
	w := d.read()
	change(w)
	d.write(w)
	return d
}

// run runs a script for the cluster, install.sh with an image; answer is what is typed.
func (d desk) run(script, answer string, args ...string) outcome {
	d.t.Helper()
	options := []string{"--resource-group", "Group", "--cluster", clusterName}
	if script == "install.sh" {
		options = append(options, "--image-repository", "registry.example/aks-audit-log-go")
	}
	return d.start(script, answer, append(options, args...)...)
}

func (d desk) start(script, answer string, args ...string) outcome {
	d.t.Helper()
	d.with(func(w *world) { w.Calls = nil })
	cmd := exec.CommandContext(d.t.Context(), filepath.Join(d.tools, "bash"), append([]string{script}, args...)...)
	cmd.Env = []string{
		"PATH=" + d.tools, "FAKE_WORLD=" + d.world, "ROLE_RETRY_SECONDS=0", "TMPDIR=" + d.t.TempDir(),
		"GORACE=atexit_sleep_ms=0", // else each tool of a race-detecting test ends a second late
	}
	cmd.Stdin = strings.NewReader(answer)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil {
		require.ErrorAs(d.t, err, &exit)
	}
	o := outcome{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String(), calls: d.read().Calls}
	for _, call := range o.calls {
		if changing.MatchString(call) && !strings.HasSuffix(call, "--help") {
			o.changes = append(o.changes, call)
		}
	}
	return o
}

// changing are the verbs of the tools that do more than read. get-credentials writes a file of the script's own.
var changing = regexp.MustCompile(`^(az .*?(create|delete|update) |helm (upgrade|uninstall) |kubectl (apply|create|delete))`)

// beginnings are the first words of each call, up to its first option.
func beginnings(calls []string) []string {
	var all []string
	for _, call := range calls {
		words, _, _ := strings.Cut(call, " --")
		all = append(all, words)
	}
	return all
}

// installed is a desk after an install.
func installed(t *testing.T) desk {
	t.Helper()
	d := newDesk(t)
	o := d.run("install.sh", "")
	require.Zero(t, o.code, o.stderr)
	return d
}

func (o outcome) mustSay(t *testing.T, code int, words ...string) {
	t.Helper()
	assert.Equal(t, code, o.code, "%s\n%s", o.stdout, o.stderr)
	for _, word := range words {
		assert.Contains(t, o.stdout+o.stderr, word)
	}
}

// call is the one call that begins so.
func (o outcome) call(t *testing.T, beginning string) string {
	t.Helper()
	for _, call := range o.calls {
		if strings.HasPrefix(call, beginning) {
			return call
		}
	}
	require.Fail(t, "no such call", "%s in %s", beginning, strings.Join(o.calls, "\n"))
	return ""
}

// things is what is in Azure and in the cluster, as text.
func (w *world) things(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal([]any{w.Things, w.Releases, w.Issuer})
	require.NoError(t, err)
	return string(text)
}
