package forwarder

import (
	"strings"

	"aks-audit-log-go/forwarder/variable"
)

// Load reads the configuration from environ, which has the form of os.Environ, and from the files of its NAME_FILE
// variables, and from nothing else. It ignores the case of names, trims white space around values, and treats an empty
// variable as not set. The error has a line for each problem and no secret.
func Load(environ []string) (Config, error) {
	values := make(map[string]string)
	problems := newProblems(values)
	readVariables(environ, values, problems)
	readFiles(values, problems)
	l := loader{values: values, in: parse(values, problems), problems: problems}
	l.hub()
	l.checkpoints()
	l.auditEvents()
	l.sink()
	l.eventSize()
	l.batches()
	l.retries()
	l.rate()
	l.confirming()
	l.logs()
	l.process()
	misspelt := variable.Misspelt(environ, knownNames())
	if err := problems.err(misspelt); err != nil {
		return Config{}, err
	}
	l.out.Warnings = append(l.out.Warnings, misspelt...)
	return l.out, nil
}

// loader checks the environment part by part, and fills in the configuration.
type loader struct {
	// values holds the values of the variables that are set, by name.
	values   map[string]string
	in       environment
	out      Config
	problems *problems
}

// isSet reports whether a variable is set and not empty.
func (l *loader) isSet(name string) bool {
	_, ok := l.values[name]
	return ok
}

func (l *loader) warn(text string) { l.out.Warnings = append(l.out.Warnings, text) }

// onOrOff parses the value of a switch. It accepts true and false too, because YAML turns unquoted on and off into
// them.
func (l *loader) onOrOff(name, value string) bool {
	switch strings.ToLower(value) {
	case "on", "true":
		return true
	case "off", "false":
		return false
	}
	l.problems.wrong(name)
	return false
}

// eitherOr adds the problem that both ways to sign in are set, because either could be the intended one.
func (l *loader) eitherOr(withoutKey, withKey string) {
	l.problems.add(withoutKey, "is set beside %s: choose one, Microsoft Entra ID or a key", withKey)
}
