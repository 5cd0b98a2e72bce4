package variable

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Misspelt returns a sentence for each variable of environ whose name is nearly a known one. Otherwise the daemon
// would silently use the default, for example another consumer group than the operator intended. Misspelt ignores
// variables with an empty value, and shows no value.
func Misspelt(environ []string, known map[string]bool) []string {
	var hints []string
	for _, entry := range environ {
		typed, value, _ := strings.Cut(entry, "=")
		if name := strings.ToUpper(typed); strings.TrimSpace(value) == "" || known[name] {
			continue
		}
		if meant := nearest(typed, known); meant != "" {
			hints = append(hints, fmt.Sprintf("%s is set, and not read by this program: is %s meant?", typed, meant))
		}
	}
	slices.Sort(hints)
	return slices.Compact(hints)
}

// nearest returns the known name that was probably intended, or "". It allows one wrong letter for every six, and
// ignores underscores and dashes: EVENT_HUB_NAME is EVENTHUBNAME.
func nearest(typed string, known map[string]bool) string {
	letters := lettersOf(typed)
	best, fewest := "", 0
	for name := range known {
		want := lettersOf(name)
		wrong := levenshtein.ComputeDistance(letters, want)
		if wrong <= len(want)/6 && (best == "" || wrong < fewest || wrong == fewest && name < best) {
			best, fewest = name, wrong
		}
	}
	return best
}

func lettersOf(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToUpper(name))
}
