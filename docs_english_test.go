package main

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// maxColumns is the width of a line of prose. A tab counts as four columns.
const maxColumns = 120

// written names the parts of documents that may be wider, because a program writes them.
var written = map[string]string{
	filepath.FromSlash("deploy/helm/aks-audit-log-go/README.md"): "tables", // helm-docs, from values.yaml
	filepath.FromSlash("docs/performance.md"):                    "all",    // make bench
}

// banned are words and phrases that make a sentence hard to read, with what to write instead. Each matches whole words
// in any case, unless its pattern says otherwise.
var banned = map[string]string{
	`mend(s|ed|ing)?`:       "fix, solve, help",
	`good-?byes?`:           "name what is closed",
	`farewells?`:            "name what is closed",
	`troubles?`:             "name the failure",
	`hiccups?`:              "name the failure",
	`whoever`:               "anyone who, every client that",
	`nobody's`:              "say what happens",
	`hence|thereby`:         "so, because",
	`thus|whilst|lest`:      "so, while, so that not",
	`in vain`:               "without success",
	`lets? go`:              "release, close",
	`(out of )?breath`:      "overloaded",
	`patience|moods?`:       "name the time or the state",
	`without a word`:        "silently",
	`(?-i:(Of|From) which)`: "begin the sentence with its subject",
	// "behind" is for places and for lag: behind a proxy, an hour behind the hub. For time and order, it is "after".
	`(positions?|starts?|number|colon|one|comes?|came|written|goes|stands?|stood|ones) behind`:  "after",
	`behind (each|every|so many|an? (event|hub event|number|answer|position|checkpoint))`:       "after",
	`behind (the|its|that) (last|first|newest|number|cut|change|end|event|position|checkpoint)`: "after",
}

var (
	// quoted is text in backticks. It may continue in the next line, but not in the next paragraph.
	quoted = regexp.MustCompile("`(?:[^`\n]|\n[^\n`])+`")
	// unbreakable is a line of code with a linter's directive, which must stand there, or a long address.
	unbreakable = regexp.MustCompile(`//nolint:|// #nosec |^\s*// (in )?https://\S+$`)
	// blocksOfCode are the blocks of code in a document.
	blocksOfCode = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
)

// TestTheDocumentsAreInPlainEnglish checks the width of the lines and the banned words. Text in backticks is quoted,
// for example from the log, and may have any words.
func TestTheDocumentsAreInPlainEnglish(t *testing.T) {
	documents := files(t, ".md")
	for path, text := range files(t, ".md.gotmpl") {
		documents[path] = text
	}
	require.Greater(t, len(documents), 8)
	for path, text := range documents {
		for i, line := range strings.Split(text, "\n") {
			if written[path] == "all" || written[path] == "tables" && strings.HasPrefix(line, "|") {
				continue
			}
			assert.LessOrEqual(t, columns(line), maxColumns, "%s:%d is too wide: %s", path, i+1, line)
		}
		checkWords(t, path, blocksOfCode.ReplaceAllString(text, ""))
	}
}

// TestTheCommentsAreInPlainEnglish checks the same for the comments in all Go files of all modules.
func TestTheCommentsAreInPlainEnglish(t *testing.T) {
	comments := 0
	for path, text := range files(t, ".go") {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.ParseComments)
		require.NoError(t, err)
		lines := strings.Split(text, "\n")
		for _, group := range file.Comments {
			comments++
			checkWords(t, set.Position(group.Pos()).String(), group.Text())
			for n := set.Position(group.Pos()).Line; n <= set.Position(group.End()).Line; n++ {
				if line := lines[n-1]; !unbreakable.MatchString(line) {
					assert.LessOrEqual(t, columns(line), maxColumns, "%s:%d is too wide", path, n)
				}
			}
		}
	}
	assert.Greater(t, comments, 5000)
}

// TestTheBannedWordsAreFound checks that the patterns match bad sentences, and no others.
func TestTheBannedWordsAreFound(t *testing.T) {
	for text, want := range map[string][]string{
		"A restart would mend it.":                     {"mend"},
		"The link says\ngood-bye, and lets\ngo.":       {"good-bye", "lets go"},
		"It ends. Of which nothing\nis left.":          {"Of which"},
		"A position behind another one":                {"position behind"},
		"An answer waits behind\neach answer.":         {"behind each"},
		"An amendment, which the hub mentions":         nil,
		"a partition of which nothing is read":         nil,
		"a Falco behind a proxy, an hour behind":       nil,
		"the log says `cannot mend it, good-bye` then": nil,
	} {
		assert.ElementsMatch(t, want, bannedWords(text), text)
	}
	assert.Equal(t, 8, columns("\té…a4"))
}

// checkWords fails the test for each banned word of the text at a place.
func checkWords(t *testing.T, place, text string) {
	t.Helper()
	for _, word := range bannedWords(text) {
		assert.Fail(t, "not plain English", "%s says %q: %s", place, word, instead(word))
	}
}

// bannedWords returns the banned words of a text, without what it quotes in backticks.
func bannedWords(text string) []string {
	prose := strings.Join(strings.Fields(quoted.ReplaceAllString(text, "``")), " ")
	var found []string
	for pattern := range banned {
		found = append(found, wholeWords(pattern).FindAllString(prose, -1)...)
	}
	return found
}

// instead returns what to write in place of a banned word.
func instead(word string) string {
	for pattern, advice := range banned {
		if wholeWords(pattern).FindString(word) == word {
			return advice
		}
	}
	return ""
}

// wholeWords compiles a pattern of banned.
func wholeWords(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:` + pattern + `)\b`)
}

// columns returns the width of a line.
func columns(line string) int {
	return utf8.RuneCountInString(line) + 3*strings.Count(line, "\t")
}
