package forwarder

import (
	"errors"
	"fmt"
	"strings"

	"aks-audit-log-go/forwarder/variable"
)

// longestShown is how much of a wrong value is repeated, in characters.
const longestShown = 80

// problems collects what is wrong with the environment, one line a variable, so that whoever
// runs the daemon mends it in one go.
type problems struct {
	// set is what the variables hold; see settings.
	set   map[string]string
	lines map[string]string
	// files are the variables whose values stood in files.
	files map[string]bool
	// hints are what may be the reason for a problem, but alone is none; see misspelt.
	hints []string
}

// fromFile notes that the variable's value stood in a file: it is not shown, whatever it is.
func (p *problems) fromFile(name string) {
	if p.files == nil {
		p.files = make(map[string]bool)
	}
	p.files[name] = true
}

// say notes a problem. The first one of a variable stands.
func (p *problems) say(name, format string, args ...any) {
	if p.lines == nil {
		p.lines = make(map[string]string)
	}
	if _, ok := p.lines[name]; !ok {
		p.lines[name] = name + " " + fmt.Sprintf(format, args...)
	}
}

// wrong notes that the variable does not hold what it should.
func (p *problems) wrong(name string) {
	p.say(name, "is %s: it should be %s", p.shown(name), variable.Lookup(name).Wants)
}

// wrongBecause is wrong, with the reason. The reason must not repeat a secret.
func (p *problems) wrongBecause(name string, reason error) {
	p.say(name, "is %s: %v; it should be %s", p.shown(name), reason, variable.Lookup(name).Wants)
}

// missing notes that a variable is not set.
func (p *problems) missing(name, besides string) {
	p.say(name, "is not set: it should be %s%s", variable.Lookup(name).Wants, besides)
}

// shown returns what the variable holds, as far as it may be shown.
func (p *problems) shown(name string) string {
	value := p.set[name]
	runes := []rune(value)
	switch {
	case p.files[name]:
		return fmt.Sprintf("(from %s, %d characters)", name+fileSuffix, len(runes))
	case variable.Lookup(name).Secret || looksSecret(value):
		return fmt.Sprintf("(set, %d characters)", len(runes))
	case len(runes) > longestShown:
		return fmt.Sprintf("%q... (%d characters)", string(runes[:longestShown]), len(runes))
	default:
		return fmt.Sprintf("%q", value)
	}
}

// looksSecret reports whether a value could hold a secret that is none of its variable's
// business: a connection string under the wrong name, a URL with a password or a token.
func looksSecret(value string) bool {
	lower := strings.ToLower(value)
	for _, sign := range []string{"@", "?", "key=", "signature=", "sig=", "password", "token"} {
		if strings.Contains(lower, sign) {
			return true
		}
	}
	return false
}

// err returns all problems in one error, in the order of Variables, or nil.
func (p *problems) err() error {
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
	for _, hint := range p.hints {
		text += "\n  " + hint
	}
	return errors.New(text)
}
