// Package scripts_test runs the release script, and reads the workflows that run it.
package scripts_test

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// release runs the script with more in its environment.
func release(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "./release.sh", args...)
	cmd.Env = append(os.Environ(), env...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestOnlyASemanticVersionBecomesARelease(t *testing.T) {
	t.Parallel()
	for tag, version := range map[string]string{"v1.2.3": "1.2.3", "v0.1.0-rc.1": "0.1.0-rc.1", "v10.20.30": "10.20.30"} {
		code, stdout, stderr := release(t, nil, "version", tag)
		assert.Zero(t, code, stderr)
		assert.Equal(t, version+"\n", stdout)
	}
	for _, tag := range []string{"1.2.3", "v1.2", "v1.2.3.4", "v01.2.3", "v1.2.3+build", "v1.2.3 ", "vx", ""} {
		code, stdout, stderr := release(t, nil, "version", tag)
		assert.Equal(t, 1, code, tag)
		assert.Empty(t, stdout, tag)
		assert.Contains(t, stderr, "'"+tag+"' is no semantic version")
	}
	for _, args := range [][]string{{}, {"version"}, {"binaries", "v1.2.3"}, {"publish", "v1.2.3"}} {
		code, _, stderr := release(t, nil, args...)
		assert.Equal(t, 2, code, args)
		assert.Contains(t, stderr, "usage:")
	}
}

func TestTheNotesAreWhatTheChangelogSaysOfTheVersion(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "CHANGELOG.md")
	text := "# Changelog\n\n## Unreleased\n\n- Not yet.\n\n## [1.2.3] - 2026-01-31\n\n### Added\n\n- A thing.\n\n## 1.2.2\n\n- An older thing.\n\n## 1.2.1\n\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	env := []string{"CHANGELOG=" + file}
	for tag, wants := range map[string]string{"v1.2.3": "\n### Added\n\n- A thing.\n", "v1.2.2": "\n- An older thing.\n"} {
		code, stdout, stderr := release(t, env, "notes", tag)
		assert.Zero(t, code, stderr)
		assert.Equal(t, wants, stdout)
	}
	for _, tag := range []string{"v1.2.1", "v1.2.4", "v1.2.3-rc.1"} {
		code, _, stderr := release(t, env, "notes", tag)
		assert.Equal(t, 1, code, tag)
		assert.Contains(t, stderr, "says nothing of "+tag[1:])
	}
}

func TestTheArchivesHoldABinaryThatKnowsItsVersionAndAreTheSameEachTime(t *testing.T) {
	t.Parallel()
	platform := runtime.GOOS + "/" + runtime.GOARCH
	name := "aks-audit-log-go_1.2.3_" + runtime.GOOS + "_" + runtime.GOARCH
	env := []string{"PLATFORMS=" + platform, "SOURCE_DATE_EPOCH=1700000000"}
	first, second := t.TempDir(), t.TempDir()
	for _, folder := range []string{first, second} {
		code, _, stderr := release(t, env, "binaries", "v1.2.3", folder)
		require.Zero(t, code, stderr)
	}
	sums := read(t, filepath.Join(first, "checksums.txt"))
	assert.Equal(t, sums, read(t, filepath.Join(second, "checksums.txt")))
	sum := sha256.Sum256([]byte(read(t, filepath.Join(first, name+".tar.gz"))))
	assert.Equal(t, hex.EncodeToString(sum[:])+"  "+name+".tar.gz\n", sums)
	files := unpack(t, filepath.Join(first, name+".tar.gz"))
	for _, file := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		assert.Contains(t, files, name+"/"+file)
	}

	binary := filepath.Join(t.TempDir(), "aks-audit-log-go")
	require.NoError(t, os.WriteFile(binary, files[name+"/aks-audit-log-go"], 0o700))
	out, err := exec.CommandContext(t.Context(), binary, "version").CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "1.2.3")
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// unpack returns the files of an archive by name.
func unpack(t *testing.T, archive string) map[string][]byte {
	t.Helper()
	packed, err := gzip.NewReader(strings.NewReader(read(t, archive)))
	require.NoError(t, err)
	files := map[string][]byte{}
	for reader := tar.NewReader(packed); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		files[header.Name], err = io.ReadAll(reader)
		require.NoError(t, err)
	}
}
