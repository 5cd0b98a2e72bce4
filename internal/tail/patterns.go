package tail

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// Patterns are the value of a flag that selects audit events by names. Patterns are separated by commas, and their
// case does not matter. "*" stands for any characters, and "?" for one. A pattern that begins with "!" excludes the
// names that it matches.
type Patterns struct {
	text        []string
	take, leave []*regexp.Regexp
}

// String implements pflag.Value.
func (p *Patterns) String() string { return strings.Join(p.text, ",") }

// Type implements pflag.Value.
func (p *Patterns) Type() string { return "patterns" }

// Set implements pflag.Value. If a flag is given again, Set adds its patterns.
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

// Match reports whether a pattern matches one of the names, or no pattern has to match, and no pattern excludes one of
// the names.
func (p *Patterns) Match(names ...string) bool {
	matches := func(pattern *regexp.Regexp) bool { return slices.ContainsFunc(names, pattern.MatchString) }
	return !slices.ContainsFunc(p.leave, matches) && (len(p.take) == 0 || slices.ContainsFunc(p.take, matches))
}
