package forwarder

import (
	"errors"
	"fmt"
	"strings"

	"aks-audit-log-go/forwarder/variable"
)

// longestShown is how many characters of a wrong value are shown.
const longestShown = 80

// problems collects what is wrong with the environment, one line per variable, so that the operator can correct it all
// at once.
type problems struct {
	values map[string]string
	// lines holds the problems by variable.
	lines map[string]string
	// fromFile holds the variables whose values came from files. Such a value is never shown.
	fromFile map[string]bool
}

func newProblems(values map[string]string) *problems {
	return &problems{values: values, lines: map[string]string{}, fromFile: map[string]bool{}}
}

// add adds a problem of a variable. Only the first one of a variable is kept.
func (p *problems) add(name, format string, args ...any) {
	if _, ok := p.lines[name]; !ok {
		p.lines[name] = name + " " + fmt.Sprintf(format, args...)
	}
}

// wrong adds that the value of a variable is invalid.
func (p *problems) wrong(name string) {
	p.add(name, "is %s: it should be %s", p.shown(name), variable.Lookup(name).Wants)
}

// wrongBecause adds the same with a reason, which must not contain a secret.
func (p *problems) wrongBecause(name string, reason error) {
	p.add(name, "is %s: %v; it should be %s", p.shown(name), reason, variable.Lookup(name).Wants)
}

// missing adds that a variable is not set. alternative follows the text and can be empty.
func (p *problems) missing(name, alternative string) {
	p.add(name, "is not set: it should be %s%s", variable.Lookup(name).Wants, alternative)
}

// shown returns the value of a variable for an error text, or only its length if it could be a secret.
func (p *problems) shown(name string) string {
	value := p.values[name]
	runes := []rune(value)
	switch {
	case p.fromFile[name]:
		return fmt.Sprintf("(from %s, %d characters)", name+fileSuffix, len(runes))
	case variable.Lookup(name).Secret || looksSecret(value):
		return fmt.Sprintf("(set, %d characters)", len(runes))
	case len(runes) > longestShown:
		return fmt.Sprintf("%q... (%d characters)", string(runes[:longestShown]), len(runes))
	default:
		return fmt.Sprintf("%q", value)
	}
}

// looksSecret reports whether a value could hold a secret although its variable should not: a connection string under
// the wrong name, or a URL with a password or a token.
func looksSecret(value string) bool {
	lower := strings.ToLower(value)
	for _, sign := range []string{"@", "?", "key=", "signature=", "sig=", "password", "token"} {
		if strings.Contains(lower, sign) {
			return true
		}
	}
	return false
}

// err returns all problems in one error, in the order of the table, or nil. hints follow at its end.
func (p *problems) err(hints []string) error {
	if len(p.lines) == 0 {
		return nil
	}
	text := "configuration: 1 environment variable is wrong or missing"
	if n := len(p.lines); n > 1 {
		text = fmt.Sprintf("configuration: %d environment variables are wrong or missing", n)
	}
	for _, v := range variable.Table() {
		if line, ok := p.lines[v.Name]; ok {
			text += "\n  " + line
		}
	}
	for _, hint := range hints {
		text += "\n  " + hint
	}
	return errors.New(text)
}
