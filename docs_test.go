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

// TestEachTestThatADocumentNamesExists checks that documents promise nothing that no test proves any more.
func TestEachTestThatADocumentNamesExists(t *testing.T) {
	exist := testNames(t)
	named := regexp.MustCompile(`\bTest[A-Z]\w+`)
	seen := 0
	for document, text := range markdown(t) {
		if document == "CONTRIBUTING.md" {
			continue // its name is an example
		}
		for _, name := range named.FindAllString(text, -1) {
			seen++
			assert.True(t, exist[name], "%s names %s", document, name)
		}
	}
	assert.Greater(t, seen, 200)
}

// testNames are the names of the tests in all modules of the project.
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

// TestEachSourceFileThatADocumentNamesExists checks that documents name no source file that was renamed or deleted.
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

// files are the texts of the project's files whose paths end so, by path.
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
