package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// falcos are Falco processes that follow each other on the same address or behind the same
// service. What any of them has used stands in one file each.
type falcos struct {
	pace  time.Duration
	files []string
}

// falcoProcess is one of them.
type falcoProcess struct {
	*process
	url string
}

// start runs another Falco and waits until it serves.
func (f *falcos) start(t *testing.T, address string) *falcoProcess {
	t.Helper()
	file := filepath.Join(t.TempDir(), "used")
	f.files = append(f.files, file)
	environ := append(os.Environ(), falcoAddress+"="+address, falcoFile+"="+file, falcoPace+"="+f.pace.String())
	p, err := startProcess(t.Context(), t.TempDir(), environ, os.Args[0])
	require.NoError(t, err)
	falco := &falcoProcess{process: p, url: "http://" + address + "/k8s-audit"}
	t.Cleanup(func() {
		assert.NoError(t, p.signal(os.Kill))
		if t.Failed() {
			t.Logf("Falco printed:\n%s", lastOf(p.out.String()))
		}
	})
	eventually(t, func() bool { status, _ := get(t.Context(), falco.url); return status == 405 || !p.running() }, "Falco serves")
	require.True(t, p.running(), "Falco ended: %s", p.out)
	return falco
}

// used are the audit events that their engines are through with.
func (f *falcos) used(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, file := range f.files {
		all = append(all, usedIn(t, file)...)
	}
	return all
}

// usedByLast are those of the last one.
func (f *falcos) usedByLast(t *testing.T) []string {
	t.Helper()
	return usedIn(t, f.files[len(f.files)-1])
}

func usedIn(t *testing.T, file string) []string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := strings.Split(string(content), "\n")
	return lines[:len(lines)-1] // a kill may have cut the last one
}

// awaitUsed waits until they have used so many different audit events.
func (f *falcos) awaitUsed(t *testing.T, n int) {
	t.Helper()
	eventually(t, func() bool { return distinct(f.used(t)) >= n }, "Falco has used %d audit events", n)
}
