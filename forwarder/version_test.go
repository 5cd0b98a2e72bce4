package forwarder

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheBuildIsDescribed(t *testing.T) {
	version, revision, goVersion := BuildInfo()
	assert.Equal(t, "dev", version)
	assert.NotEmpty(t, revision)
	assert.Equal(t, runtime.Version(), goVersion)
}

func TestTheRevisionIsTheCommit(t *testing.T) {
	vcs := func(revision, modified string) *debug.BuildInfo {
		return &debug.BuildInfo{Settings: []debug.BuildSetting{
			{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: modified},
		}}
	}
	assert.Equal(t, "0123abc", vcsRevision(vcs("0123abc", "false"), true))
	assert.Equal(t, "0123abc-dirty", vcsRevision(vcs("0123abc", "true"), true))
	assert.Equal(t, "unknown", vcsRevision(vcs("", "true"), true), "a repository without a commit")
	assert.Equal(t, "unknown", vcsRevision(&debug.BuildInfo{}, true), "built from a source archive")
	assert.Equal(t, "unknown", vcsRevision(nil, false))
}

// TestTheLinkerSetsTheVersion runs the documented command. The linker reports no error if the variable does not exist.
func TestTheLinkerSetsTheVersion(t *testing.T) {
	out := filepath.Join(t.TempDir(), "stamped.test")
	const stamp = "v1.2.3-stamped-by-the-linker"
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", out,
		"-ldflags", "-X aks-audit-log-go/forwarder.Version="+stamp, ".")
	text, err := build.CombinedOutput()
	require.NoError(t, err, string(text))
	// With another Version, the test that expects "dev" fails and prints the Version.
	stamped := exec.CommandContext(t.Context(), out, "-test.run", "^TestTheBuildIsDescribed$")
	text, err = stamped.CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(text), stamp)
}
