package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"
	"go.yaml.in/yaml/v3"

	"aks-audit-log-go/e2e/harness"
)

// falcoRule is a rule of Falco's own rules for audit events.
type falcoRule struct{ Rule, Condition, Output, Priority string }

// falcoRules are the rules of a file in their order, with the macros and lists of their conditions.
type falcoRules struct {
	rules  []falcoRule
	macros map[string]string
	lists  map[string][]string
}

// officialRules reads the rules of the k8saudit plugin that the tests run.
func officialRules(t *testing.T) falcoRules {
	t.Helper()
	dir, err := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/falcosecurity/plugins/plugins/k8saudit").Output()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "rules", "k8s_audit_rules.yaml"))
	require.NoError(t, err)
	var items []struct {
		falcoRule `yaml:",inline"`
		Macro     string
		List      string
		Items     []string
	}
	require.NoError(t, yaml.Unmarshal(text, &items))
	all := falcoRules{macros: map[string]string{}, lists: map[string][]string{}}
	for _, item := range items {
		switch {
		case item.Rule != "":
			all.rules = append(all.rules, item.falcoRule)
		case item.Macro != "":
			all.macros[item.Macro] = item.Condition
		case item.List != "":
			all.lists[item.List] = item.Items
		}
	}
	require.Greater(t, len(all.rules), 30)
	return all
}

// firing returns the rules that match an audit event, in their order. With rule_matching: first, only the first one
// raises an alert. With rule_matching: all, all of them do.
func (r falcoRules) firing(t *testing.T, event harness.FalcoEvent) []falcoRule {
	t.Helper()
	var fired []falcoRule
	for _, rule := range r.rules {
		if r.holds(t, event, rule.Condition) {
			fired = append(fired, rule)
		}
	}
	return fired
}

// holds evaluates a condition (https://falco.org/docs/concepts/rules/conditions/).
func (r falcoRules) holds(t *testing.T, event harness.FalcoEvent, condition string) bool {
	t.Helper()
	e := &evaluation{t: t, rules: r, event: event, tokens: conditionToken.FindAllString(condition, -1)}
	result := e.either()
	require.Empty(t, e.tokens, condition)
	return result
}

// conditionToken matches a string, an operator, a bracket, a comma, or a word such as jevt.value[/stage].
var conditionToken = regexp.MustCompile(`"[^"]*"|!=|[=(),]|[^\s"=(),!]+`)

// evaluation is a condition that is being evaluated.
type evaluation struct {
	t      *testing.T
	rules  falcoRules
	event  harness.FalcoEvent
	tokens []string
	// skipping is whether the value of what is read no longer matters.
	skipping bool
}

func (e *evaluation) next() string {
	require.NotEmpty(e.t, e.tokens, "the condition ends too early")
	token := e.tokens[0]
	e.tokens = e.tokens[1:]
	return token
}

// take reads the next token if it is the given one.
func (e *evaluation) take(token string) bool {
	if len(e.tokens) == 0 || e.tokens[0] != token {
		return false
	}
	e.next()
	return true
}

// unless reads a part of the condition. It evaluates the part only if known is false.
func (e *evaluation) unless(known bool, part func() bool) bool {
	before := e.skipping
	e.skipping = before || known
	value := part()
	e.skipping = before
	return value
}

func (e *evaluation) either() bool {
	value := e.both()
	for e.take("or") {
		value = e.unless(value, e.both) || value
	}
	return value
}

func (e *evaluation) both() bool {
	value := e.negated()
	for e.take("and") {
		value = e.unless(!value, e.negated) && value
	}
	return value
}

func (e *evaluation) negated() bool {
	if e.take("not") {
		return !e.negated()
	}
	if e.take("(") {
		value := e.either()
		require.True(e.t, e.take(")"))
		return value
	}
	return e.compared()
}

// compared reads a macro, or a field with its operator.
func (e *evaluation) compared() bool {
	name := e.next()
	if macro, known := e.rules.macros[name]; known {
		return !e.skipping && e.rules.holds(e.t, e.event, macro)
	}
	operator := e.next()
	var values []string
	switch operator {
	case "exists":
	case "in", "intersects":
		values = e.list()
	default:
		values = []string{e.value()}
	}
	if e.skipping {
		return false
	}
	got, there := e.field(name)
	switch operator {
	case "exists":
		return there
	case "=", "in", "intersects":
		return there && slices.Contains(values, got)
	case "!=":
		return !there || got != values[0]
	case "startswith":
		return there && strings.HasPrefix(got, values[0])
	case "contains":
		return there && strings.Contains(got, values[0])
	}
	require.Fail(e.t, "not an operator", operator)
	return false
}

func (e *evaluation) value() string { return strings.Trim(e.next(), `"`) }

// list reads a list in brackets, and replaces the name of a named list by the items of that list.
func (e *evaluation) list() (values []string) {
	require.True(e.t, e.take("("))
	for !e.take(")") {
		if e.take(",") {
			continue
		}
		values = append(values, e.expand(e.value())...)
	}
	return values
}

func (e *evaluation) expand(item string) (values []string) {
	items, named := e.rules.lists[item]
	if !named {
		return []string{item}
	}
	for _, each := range items {
		values = append(values, e.expand(each)...)
	}
	return values
}

// field returns a field of the audit event as the plugins k8saudit and json extract it.
func (e *evaluation) field(name string) (value string, there bool) {
	if path, of := strings.CutPrefix(name, "jevt.value[/"); of {
		event, err := fastjson.Parse(e.event.JSON)
		require.NoError(e.t, err)
		found := event.Get(strings.Split(strings.TrimSuffix(path, "]"), "/")...)
		return string(found.GetStringBytes()), found != nil
	}
	if name == "jevt.rawtime" {
		return strconv.FormatInt(e.event.Timestamp.UnixNano(), 10), true
	}
	text, there := harness.FalcoField(e.t, e.event.JSON, name).(string)
	return text, there
}
