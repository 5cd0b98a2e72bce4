package tail

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// Patterns are the value of a flag that selects audit events by names. They are separated by commas. "*" stands for any
// characters and "?" for one, case does not matter, and a pattern that begins with "!" leaves out what it matches.
type Patterns struct {
	text        []string
	take, leave []*regexp.Regexp
}

// String implements pflag.Value.
func (p *Patterns) String() string { return strings.Join(p.text, ",") }

// Type implements pflag.Value.
func (p *Patterns) Type() string { return "patterns" }

// Set implements pflag.Value. A flag that is given again adds its patterns.
func (p *Patterns) Set(text string) error {
	for pattern := range strings.SplitSeq(text, ",") {
		name, leave := strings.CutPrefix(strings.TrimSpace(pattern), "!")
		if name == "" {
			return errors.New("it has to be names, separated by commas, such as 'alice*,!system:*'")
		}
		quoted := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(name))
		expression := regexp.MustCompile("(?is)^" + quoted + "$")
		if leave {
			p.leave = append(p.leave, expression)
		} else {
			p.take = append(p.take, expression)
		}
	}
	p.text = append(p.text, text)
	return nil
}

// Match reports whether one of the patterns matches one of the names, or there is none, and no pattern leaves one out.
func (p *Patterns) Match(names ...string) bool {
	matches := func(pattern *regexp.Regexp) bool { return slices.ContainsFunc(names, pattern.MatchString) }
	return !slices.ContainsFunc(p.leave, matches) && (len(p.take) == 0 || slices.ContainsFunc(p.take, matches))
}
