package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEachLinkBetweenTheDocumentsLeadsSomewhere follows every relative link and every anchor of all Markdown files, as
// GitHub shows them.
func TestEachLinkBetweenTheDocumentsLeadsSomewhere(t *testing.T) {
	documents := markdown(t)
	require.Greater(t, len(documents), 8)
	links := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	seen := 0
	for file, text := range documents {
		for _, match := range links.FindAllStringSubmatch(text, -1) {
			link := match[1]
			if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
				continue
			}
			seen++
			path, anchor, _ := strings.Cut(link, "#")
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); !assert.NoError(t, err, "%s links to %s", file, link) || anchor == "" {
				continue
			}
			assert.Contains(t, anchors(documents[target]), anchor, "%s links to %s", file, link)
		}
	}
	assert.Greater(t, seen, 100)
}

// markdown are the texts of all Markdown files by path, without their blocks of code.
func markdown(t *testing.T) map[string]string {
	t.Helper()
	texts := files(t, ".md")
	for path, text := range texts {
		texts[path] = blocksOfCode.ReplaceAllString(text, "")
	}
	return texts
}

// anchors are what GitHub makes of the headings of a text: letters, digits, dashes and underscores in lower case,
// dashes for spaces, and a number after an anchor that exists already.
func anchors(text string) []string {
	headings := regexp.MustCompile(`(?m)^#+ +(.*)$`)
	address := regexp.MustCompile(`\]\([^)]*\)`)
	odd := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	times := map[string]int{}
	var all []string
	for _, heading := range headings.FindAllStringSubmatch(text, -1) {
		anchor := odd.ReplaceAllString(strings.ToLower(address.ReplaceAllString(heading[1], "]")), "")
		anchor = strings.ReplaceAll(anchor, " ", "-")
		n := times[anchor]
		times[anchor]++
		if n > 0 {
			anchor += "-" + strconv.Itoa(n)
		}
		all = append(all, anchor)
	}
	return all
}
