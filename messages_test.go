package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// messagesFile lists all texts of the product that an operator can read. A change of it shows how a reader sees a
// change of the code. `UPDATEMESSAGES=1 go test -run TestTheMessages .` writes it.
const messagesFile = "testdata/messages.golden"

var (
	// sentence is what tells a text for a reader from a name or a fragment of a format.
	sentence = regexp.MustCompile(`\pL.* |[ ].*\pL`)
	// annotation is a text of an alert.
	annotation = regexp.MustCompile(`(?m)^ +(?:summary|description): (.+)$`)
	// markup is a tag of the status page, or its only block that has no text.
	markup = regexp.MustCompile(`(?s)<style>.*?</style>|<script>.*?</script>|</?[^>]*>`)
	// shown is an attribute of a tag that a reader sees or hears.
	shown = regexp.MustCompile(`(?:title|aria-label)="([^"]+)"`)
	// scriptText is a string in a script, or a comment to its line's end, which is left out.
	scriptText = regexp.MustCompile("\"([^\"\n]*)\"|'([^'\n]*)'|`([^`]*)`|//[^\n]*")
)

// TestTheMessagesAreThoseOfTheList compares every text that a user reads while the program runs with the list.
func TestTheMessagesAreThoseOfTheList(t *testing.T) {
	got := listed(messages(t))
	if os.Getenv("UPDATEMESSAGES") != "" {
		require.NoError(t, os.WriteFile(filepath.FromSlash(messagesFile), []byte(got), 0o600))
	}
	want, err := os.ReadFile(filepath.FromSlash(messagesFile))
	require.NoError(t, err)
	assert.Equal(t, string(want), got,
		"texts have changed: read them as an operator would, then run UPDATEMESSAGES=1 go test -run TestTheMessages .")
}

// TestTheMessagesAreInPlainEnglish holds the rules of the documents for the messages.
func TestTheMessagesAreInPlainEnglish(t *testing.T) {
	count := 0
	for path, texts := range messages(t) {
		for _, text := range texts {
			count++
			checkWords(t, path, text)
		}
	}
	assert.Greater(t, count, 1000)
}

// TestTheMessagesAreFound keeps the collection from missing a kind of text.
func TestTheMessagesAreFound(t *testing.T) {
	source := "package p\nimport \"a b\"\ntype t struct{ f int `json:\"a b\"` }\n" +
		"var r = regexp.MustCompile(`no text`)\nvar m = \"first \" + name(\"in side\") + \" last\"\nvar s = \"one\"\n"
	assert.Equal(t, []string{"first {…} last", "in side"}, goTexts(t, "p.go", source))
	assert.Equal(t, []string{"to read", "a ${b} c"}, scriptTexts("x(\"to read\", 'one') // \"not this\"\ny = `a ${b} c`;"))
	assert.Equal(t, []string{"The state", "Says what", "is up"}, pageTexts("<style>a b</style><p aria-label=\"The state\">Says what<b>one</b>\n<i>is up</i>"))
}

// listed formats the texts of each file below its path.
func listed(texts map[string][]string) string {
	paths := make([]string, 0, len(texts))
	for path := range texts {
		paths = append(paths, path)
	}
	slices.SortFunc(paths, func(a, b string) int {
		dirA, nameA := filepath.Split(a)
		dirB, nameB := filepath.Split(b)
		return slices.Compare([]string{dirA, nameA}, []string{dirB, nameB})
	})
	var list strings.Builder
	for _, path := range paths {
		fmt.Fprintf(&list, "# %s\n", filepath.ToSlash(path))
		for _, text := range texts[path] {
			list.WriteString(strings.ReplaceAll(text, "\n", `\n`) + "\n")
		}
		list.WriteString("\n")
	}
	return list.String()
}

// messages returns the texts of each file of the product that has any, in their order and each once.
func messages(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	collect := func(path string, texts []string) {
		if len(texts) > 0 {
			found[path] = texts
		}
	}
	for path, source := range files(t, ".go") {
		if !strings.HasSuffix(path, "_test.go") && ofProduct(filepath.ToSlash(filepath.Dir(path))) {
			collect(path, goTexts(t, path, source))
		}
	}
	for path, source := range files(t, ".js") {
		if ofProduct(filepath.ToSlash(filepath.Dir(path))) {
			collect(path, scriptTexts(source))
		}
	}
	for path, source := range files(t, "page.html") {
		collect(path, pageTexts(source))
	}
	for path, source := range files(t, "rules.yaml") {
		collect(path, texts(annotation.FindAllStringSubmatch(source, -1)))
	}
	return found
}

// ofProduct tells whether a user reads the texts of a folder: those of the demo too, but not those of tests and of
// scripts that others have written.
func ofProduct(folder string) bool {
	return folder == "internal/demo" || !forTests(folder) && !strings.HasPrefix(folder+"/", "e2e/") &&
		filepath.Base(folder) != "uplot"
}

// goTexts returns the texts in a Go file. A text that is put together from several is one.
func goTexts(t *testing.T, path, source string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
	require.NoError(t, err)
	var found []string
	var visit func(ast.Node) bool
	visit = func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			ast.Inspect(n.Type, visit) // without its tag
			return false
		case *ast.CallExpr:
			called, ok := n.Fun.(*ast.SelectorExpr)
			return !ok || called.Sel.Name != "MustCompile"
		case *ast.BinaryExpr:
			text, others := joined(n)
			found = append(found, text)
			for _, other := range others {
				ast.Inspect(other, visit)
			}
			return false
		case *ast.BasicLit:
			text, _ := joined(n)
			found = append(found, text)
		}
		return true
	}
	ast.Inspect(file, visit)
	return forReaders(found)
}

// joined returns the text of an expression, with {…} for each part that is not a literal, and these parts.
func joined(expression ast.Expr) (string, []ast.Expr) {
	switch e := expression.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return text, nil
		}
		return "", nil
	case *ast.BinaryExpr:
		left, leftOthers := joined(e.X)
		right, rightOthers := joined(e.Y)
		if e.Op != token.ADD {
			return "", []ast.Expr{e.X, e.Y}
		}
		return left + right, append(leftOthers, rightOthers...)
	}
	return "{…}", []ast.Expr{expression}
}

// scriptTexts returns the texts in a script.
func scriptTexts(source string) []string {
	return texts(scriptText.FindAllStringSubmatch(source, -1))
}

// pageTexts returns the texts of a page of HTML, those of attributes first.
func pageTexts(source string) []string {
	return append(texts(shown.FindAllStringSubmatch(source, -1)),
		forReaders(strings.Split(markup.ReplaceAllString(source, "\n"), "\n"))...)
}

// texts returns what the groups of the matches have found.
func texts(matches [][]string) []string {
	var found []string
	for _, match := range matches {
		found = append(found, strings.Join(match[1:], ""))
	}
	return forReaders(found)
}

// forReaders returns the texts that have a letter and a space, each once.
func forReaders(all []string) []string {
	var found []string
	for _, text := range all {
		if sentence.MatchString(strings.ReplaceAll(text, "\n", " ")) && strings.Trim(text, "{…} :,.()[]") != "" && !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	return found
}
