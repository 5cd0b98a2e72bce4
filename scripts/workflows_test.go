package scripts_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// workflows are the texts of the workflows by file.
func workflows(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../.github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	texts := map[string]string{}
	for _, file := range files {
		texts[file] = read(t, file)
	}
	return texts
}

// A tag can be moved to other code, a commit cannot.
func TestWorkflowsUseActionsByCommitAndSayTheVersion(t *testing.T) {
	t.Parallel()
	uses := regexp.MustCompile(`(?m)^\s*(?:- )?uses: (.*)$`)
	pinned := regexp.MustCompile(`^([\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/[\w.-]+)$`)
	for file, text := range workflows(t) {
		for _, use := range uses.FindAllStringSubmatch(text, -1) {
			assert.Regexp(t, pinned, use[1], file)
		}
	}
}

func TestWorkflowsMayDoNothingUnlessAJobSaysSo(t *testing.T) {
	t.Parallel()
	for file, text := range workflows(t) {
		assert.Regexp(t, `(?m)^permissions: \{\}$`, text, file)
		assert.NotContains(t, text, "pull_request_target", "%s: it would run a stranger's code with our rights", file)
		assert.NotContains(t, text, "write-all", file)
	}
}

// A part that is tried by hand and never published would be missed by those who look for it.
func TestTheReleaseWorkflowRunsEachPartOfTheScript(t *testing.T) {
	t.Parallel()
	_, _, usage := release(t, nil)
	parts := regexp.MustCompile(`(?m)^  (\w+) TAG`).FindAllStringSubmatch(usage, -1)
	require.Len(t, parts, 5)
	for _, part := range parts {
		assert.Contains(t, read(t, "../.github/workflows/release.yml"), "scripts/release.sh "+part[1]+` "$GITHUB_REF_NAME"`)
	}
}

// A helm of another version may render another manifest than the one that was checked.
func TestTheReleaseIsMadeWithTheHelmThatTheChartIsCheckedWith(t *testing.T) {
	t.Parallel()
	text := read(t, "../.github/workflows/release.yml")
	pinned := strings.Index(text, "make \"$PWD/bin/helm\"\n          echo \"$PWD/bin\" >>\"$GITHUB_PATH\"\n")
	require.Positive(t, pinned)
	assert.Less(t, pinned, strings.Index(text, "scripts/release.sh manifest "))
	assert.Contains(t, read(t, "../Makefile"), "\n$(TOOLS)/helm:\n\tGOBIN=$(TOOLS) go install $(HELM)\n")
}

// An archive's binary and the image's are made by the same compiler.
func TestWorkflowsBuildWithTheGoOfTheDockerfile(t *testing.T) {
	t.Parallel()
	found := regexp.MustCompile(`FROM golang:([\d.]+)-`).FindStringSubmatch(read(t, "../Dockerfile"))
	require.NotNil(t, found)
	versions := regexp.MustCompile(`go-version: (\S+)`)
	for file, text := range workflows(t) {
		for _, version := range versions.FindAllStringSubmatch(text, -1) {
			assert.Equal(t, "'"+found[1]+"'", version[1], file)
		}
	}
}
