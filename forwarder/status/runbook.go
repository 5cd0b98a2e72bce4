package status

import "strings"

const runbookFile = "docs/operations.md"

// runbook returns the place of a section of the runbook. base is the address of the folder above docs, or empty.
func runbook(base, section string) string {
	place := runbookFile + "#" + strings.ReplaceAll(strings.ToLower(section), " ", "-")
	if base == "" {
		return place
	}
	return base + "/" + place
}

// plainReason returns the text of a probe without the state before it.
func plainReason(text string) string {
	for _, state := range []string{"not ready: ", "ready: ", "wedged: "} {
		text = strings.TrimPrefix(text, state)
	}
	return text
}
