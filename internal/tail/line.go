package tail

import (
	"net/http"
	"strconv"
	"strings"

	"aks-audit-log-go/eventhub/unpack/shapes"
)

// The colours of a terminal, as ECMA-48 numbers them (select graphic rendition).
const (
	plain  = ""
	faint  = "2"
	red    = "31"
	yellow = "33"
	cyan   = "36"
)

// timeLayout always has milliseconds, so that the times of all lines are equally long.
const timeLayout = "2006-01-02T15:04:05.000Z"

// maxNameLength is how many characters of each name are shown. A longer name is cut, because an attacker can choose
// some names.
const maxNameLength = 128

// column is a cell of a line.
type column struct {
	text string
	// width is the width of usual values. A line is written before longer values are known.
	width  int
	colour string
}

// line returns the audit event as a line of text, without control characters.
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

// object returns the object of the request, such as "deployments.apps/scale default/web", or the path of the request.
func (e *event) object() string {
	if e.Resource == "" {
		return e.Path
	}
	return joined(joined(joined(e.Resource, ".", e.APIGroup), "/", e.Subresource), " ", joined(e.Namespace, "/", e.Name))
}

// joined returns two texts with a separator between them, or only one of them if the other is empty.
func joined(a, separator, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + separator + b
}

// verbColour highlights the verbs that change something.
func verbColour(verb string) string {
	switch verb {
	case "delete", "deletecollection":
		return red
	case "create", "update", "patch":
		return yellow
	}
	return plain
}

// codeColour highlights refused and failed requests.
func codeColour(code int) string {
	switch {
	case code >= http.StatusInternalServerError, code == http.StatusUnauthorized, code == http.StatusForbidden:
		return red
	case code >= http.StatusBadRequest:
		return yellow
	}
	return plain
}
