package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEachTestThatTheOperationsGuideNamesExists keeps docs/operations.md from promising what
// nothing proves any more.
func TestEachTestThatTheOperationsGuideNamesExists(t *testing.T) {
	guide, err := os.ReadFile("docs/operations.md")
	require.NoError(t, err)
	named := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(guide), -1)
	require.Greater(t, len(named), 50)
	exist := testNames(t)
	for _, name := range named {
		assert.True(t, exist[name], "no such test: %s", name)
	}
}

// testNames are the tests of all modules of the project.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, source := range files(t, "_test.go") {
		for _, match := range declared.FindAllStringSubmatch(source, -1) {
			names[match[1]] = true
		}
	}
	return names
}

// TestEachSourceFileThatADocumentNamesExists keeps the documents from leading their readers to what has another name
// by now.
func TestEachSourceFileThatADocumentNamesExists(t *testing.T) {
	exist := map[string]bool{
		"azure_eventhub_checkpoint.go": true, // KEDA's
	}
	for path := range files(t, ".go") {
		exist[filepath.Base(path)] = true
	}
	named := regexp.MustCompile("`([a-z0-9_]+\\.go)`")
	seen := 0
	for document, text := range markdown(t) {
		for _, match := range named.FindAllStringSubmatch(text, -1) {
			seen++
			assert.True(t, exist[match[1]], "%s names %s", document, match[1])
		}
	}
	assert.Greater(t, seen, 30)
}

// files are the texts of the project's files whose paths end so, by their paths.
func files(t *testing.T, suffix string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.Name() == "node_modules":
			return filepath.SkipDir
		case !strings.HasSuffix(path, suffix):
			return nil
		}
		text, err := os.ReadFile(path) // #nosec G122 -- the project's own files
		texts[path] = string(text)
		return err
	})
	require.NoError(t, err)
	return texts
}
