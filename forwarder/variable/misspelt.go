package variable

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// misspelt returns a sentence for each variable of environ that is not read, though its name is nearly that of one
// which is. Such a variable is otherwise passed over in silence, and its default taken: a consumer group that was
// meant, say, is not the one that is read. Values are not looked at, but for whether there is one.
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

// nearest returns the known name that typed was probably meant to be, or "". A slip for every six letters is
// forgiven, and so are all underscores and dashes: EVENT_HUB_NAME is EVENTHUBNAME.
func nearest(typed string, known map[string]bool) string {
	letters := lettersOf(typed)
	best, slips := "", 0
	for name := range known {
		wanted := lettersOf(name)
		n := levenshtein.ComputeDistance(letters, wanted)
		if n <= len(wanted)/6 && (best == "" || n < slips || n == slips && name < best) {
			best, slips = name, n
		}
	}
	return best
}

func lettersOf(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToUpper(name))
}
