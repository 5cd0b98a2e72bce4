package forwarder

import (
	"fmt"
	"slices"
	"strings"
)

// misspelt returns a sentence for each variable of environ that is not read, though its name is nearly that of one
// which is. Such a variable is otherwise passed over in silence, and its default taken: a consumer group that was
// meant, say, is not the one that is read. Values are not looked at, but for whether there is one.
func misspelt(environ []string, known map[string]bool) []string {
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
		n := distance(letters, wanted)
		if n <= len(wanted)/6 && (best == "" || n < slips || n == slips && name < best) {
			best, slips = name, n
		}
	}
	return best
}

func lettersOf(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToUpper(name))
}

// distance counts the letters to insert, remove, exchange, or swap with their neighbour, to make b of a (the
// "optimal string alignment" distance).
func distance(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+slip(a[i-1] != b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

func slip(is bool) int {
	if is {
		return 1
	}
	return 0
}
