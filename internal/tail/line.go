package tail

import (
	"net/http"
	"strconv"
	"strings"

	"aks-audit-log-go/eventhub/unpack/shapes"
)

// The colours of a terminal (ECMA-48, select graphic rendition).
const (
	plain  = ""
	faint  = "2"
	red    = "31"
	yellow = "33"
	cyan   = "36"
)

// timeLayout has milliseconds, so that the times of all lines are equally long.
const timeLayout = "2006-01-02T15:04:05.000Z"

// maxNameLength is how many characters of each name are shown: an attacker chooses the length of some.
const maxNameLength = 128

// column is a cell of a line.
type column struct {
	text string
	// width is that of usual values: a line is written before the longest value is known.
	width  int
	colour string
}

// line returns the audit event as a line for people, without control characters.
func (e *event) line(colour bool) []byte {
	at, code := "", ""
	if !e.Time.IsZero() {
		at = e.Time.Format(timeLayout)
	}
	if e.Code != 0 {
		code = strconv.Itoa(e.Code)
	}
	user := e.User
	if e.Impersonated != "" {
		user = joined(user, " as ", e.Impersonated)
	}
	columns := []column{
		{at, len(timeLayout), faint}, {e.Cluster, 12, cyan}, {user, 32, plain}, {e.Verb, 6, verbColour(e.Verb)},
		{e.object(), 40, plain}, {code, 0, codeColour(e.Code)},
	}
	var line strings.Builder
	for i, c := range columns {
		text := shapes.Printable(c.text, maxNameLength)
		if text == "" {
			text = "-"
		}
		padding := c.width - len([]rune(text))
		if colour && c.colour != plain {
			text = "\x1b[" + c.colour + "m" + text + "\x1b[0m"
		}
		line.WriteString(text)
		if i < len(columns)-1 {
			line.WriteString(strings.Repeat(" ", 2+max(0, padding)))
		}
	}
	line.WriteByte('\n')
	return []byte(line.String())
}

// object returns what the request was about, such as "deployments.apps/scale default/web", or the path of the request.
func (e *event) object() string {
	if e.Resource == "" {
		return e.Path
	}
	return joined(joined(joined(e.Resource, ".", e.APIGroup), "/", e.Subresource), " ", joined(e.Namespace, "/", e.Name))
}

// joined puts a separator between two texts, unless one of them is empty.
func joined(a, separator, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + separator + b
}

// verbColour makes those verbs stand out that change something.
func verbColour(verb string) string {
	switch verb {
	case "delete", "deletecollection":
		return red
	case "create", "update", "patch":
		return yellow
	}
	return plain
}

// codeColour makes refused and failed requests stand out.
func codeColour(code int) string {
	switch {
	case code >= http.StatusInternalServerError, code == http.StatusUnauthorized, code == http.StatusForbidden:
		return red
	case code >= http.StatusBadRequest:
		return yellow
	}
	return plain
}
