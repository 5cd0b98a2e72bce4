package forwarder

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caarlos0/env/v11"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder/variable"
)

const (
	envrcFile = "../.envrc.example"
	docsFile  = "../docs/configuration.md"
	readme    = "../README.md"
)

func variableNames() []string {
	var names []string
	for _, v := range variable.Table() {
		names = append(names, v.Name)
	}
	slices.Sort(names)
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func TestTheTableHasExactlyTheVariablesThatAreRead(t *testing.T) {
	fields, err := env.GetFieldParams(&environment{})
	require.NoError(t, err)
	var taken []string
	for _, f := range fields {
		taken = append(taken, f.Key)
		assert.False(t, f.HasDefaultValue, "%s: the table has the defaults", f.Key)
	}
	slices.Sort(taken)
	assert.Equal(t, taken, variableNames())
}

// TestTheReadmeNamesOnlyVariablesThatExist checks names in backticks, with or without a value. The README lists the
// variables that people set, docs/configuration.md lists all.
func TestTheReadmeNamesOnlyVariablesThatExist(t *testing.T) {
	text := read(t, readme)
	for _, match := range regexp.MustCompile("`([A-Z]{5,})(?:_FILE)?(?:=[^`]*)?`").FindAllStringSubmatch(text, -1) {
		assert.Contains(t, variableNames(), match[1])
	}
	item := regexp.MustCompile("(?m)^- (?:or )?`([A-Z]+)`: (?:default `([^`]*)`)?")
	listed := item.FindAllStringSubmatch(text, -1)
	assert.Len(t, listed, 12)
	for _, match := range listed {
		assert.Contains(t, variableNames(), match[1])
		assert.Equal(t, variable.Lookup(match[1]).Default, match[2], match[1])
	}
}

func TestTheTableIsComplete(t *testing.T) {
	for _, v := range variable.Table() {
		assert.Equal(t, strings.ToUpper(v.Name), v.Name)
		assert.NotEmpty(t, v.Help, v.Name)
		assert.NotEmpty(t, v.Wants, v.Name)
		assert.NotEmpty(t, v.Example, v.Name)
		if v.Need == variable.Optional {
			assert.NotEmpty(t, v.Default+v.DefaultMeans, v.Name)
		} else {
			assert.Empty(t, v.Default+v.DefaultMeans, v.Name)
		}
	}
}

func TestEveryExampleIsAccepted(t *testing.T) {
	for _, v := range variable.Table() {
		t.Run(v.Name, func(t *testing.T) {
			_, err := Load(inPlace(v.Name, v.Example))
			assert.NoError(t, err)
		})
	}
}

// inPlace returns a complete environment with a variable and those that it needs, without those that it replaces.
func inPlace(name, value string) []string {
	set := []string{name + "=" + value}
	switch name {
	case variable.HubNamespace:
		set = append(set, variable.HubConnection+"=")
	case variable.BlobURL:
		set = append(set, variable.BlobConnection+"=")
	case variable.CheckpointDir:
		set = append(set, variable.BlobConnection+"=", variable.Container+"=")
	case variable.SinkCAFile:
		set = append(set, variable.SinkURL+"=https://falco/")
	case variable.SinkCertFile:
		set = append(set, variable.SinkURL+"=https://falco/", variable.SinkKeyFile+"=/key")
	case variable.SinkKeyFile:
		set = append(set, variable.SinkURL+"=https://falco/", variable.SinkCertFile+"=/certificate")
	}
	return environ(set...)
}

func TestEveryDefaultIsAccepted(t *testing.T) {
	var set []string
	for _, v := range variable.Table() {
		if v.Default != "" {
			set = append(set, v.Name+"="+v.Default)
		}
	}
	written, err := Load(environ(set...))
	require.NoError(t, err)
	silent, err := Load(environ())
	require.NoError(t, err)
	assert.Equal(t, silent, written)
}

func TestTheExampleFileListsEveryVariable(t *testing.T) {
	line := regexp.MustCompile(`(?m)^(# )?export ([A-Z]+)='(.*)'$`)
	var names []string
	for _, match := range line.FindAllStringSubmatch(read(t, envrcFile), -1) {
		commented, v := match[1] != "", variable.Lookup(match[2])
		names = append(names, v.Name)
		assert.Equal(t, v.Need == variable.Optional, commented, "%s: what is optional is commented out", v.Name)
		if commented {
			assert.Equal(t, v.Default, match[3], "%s: the default", v.Name)
		} else {
			assert.Equal(t, v.Example, match[3], "%s: the example", v.Name)
		}
	}
	slices.Sort(names)
	assert.Equal(t, variableNames(), names)
	assert.Equal(t, len(names), strings.Count(read(t, envrcFile), "export "), "no other exports")
}

func TestEveryVariableOfTheExampleFileHasAComment(t *testing.T) {
	before := ""
	for line := range strings.Lines(read(t, envrcFile)) {
		if strings.Contains(line, "export ") {
			assert.Regexp(t, `^# [A-Zt]`, before, line)
		} else if strings.HasPrefix(line, "# ") && strings.HasPrefix(before, "# ") {
			continue // only the first line of a comment counts
		}
		before = line
	}
}

func TestTheExampleFileGivesAShellAValidEnvironment(t *testing.T) {
	shell := exec.CommandContext(t.Context(), "sh", "-c", ". "+envrcFile+" && env")
	shell.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := shell.Output()
	require.NoError(t, err)
	cfg, err := Load(strings.Split(string(out), "\n"))
	require.NoError(t, err)
	assert.Equal(t, "insights-logs-kube-audit", cfg.HubName)
	assert.Empty(t, cfg.Warnings)
}

// documented is an entry of docs/configuration.md: - `NAME=example` (standing): text.
type documented struct {
	name, example, standing, text string
}

// documentedVariables returns the entries of docs/configuration.md. The standing may begin in the second line. The
// text ends with the list entry.
func documentedVariables(t *testing.T) []documented {
	t.Helper()
	text := read(t, docsFile)
	entry := regexp.MustCompile("(?m)^- `([A-Z]+)=([^`\\n]*)`\\s+\\(([^)]*)\\):((?:.*\\n)(?:  .*\\n)*)")
	var all []documented
	for _, match := range entry.FindAllStringSubmatch(text, -1) {
		standing := strings.Join(strings.Fields(match[3]), " ")
		all = append(all, documented{name: match[1], example: match[2], standing: standing, text: strings.TrimSpace(match[4])})
	}
	started := regexp.MustCompile("(?m)^- `[A-Z]+=").FindAllString(text, -1)
	require.Len(t, all, len(started), "an entry has another form")
	return all
}

func TestTheDocumentationHasExactlyTheVariables(t *testing.T) {
	var names []string
	for _, entry := range documentedVariables(t) {
		v := variable.Lookup(entry.name)
		names = append(names, v.Name)
		assert.Greater(t, len(strings.Fields(entry.text)), 2, "%s: the meaning", v.Name)
		switch {
		case v.Need != variable.Optional:
			want := regexp.MustCompile("[A-Z]{2,}").ReplaceAllString(string(v.Need), "`$0`")
			if v.Secret {
				want += ", secret"
			}
			assert.Equal(t, want, entry.standing, v.Name)
		case v.Default == "":
			assert.Equal(t, "not set: "+strings.ReplaceAll(v.DefaultMeans, "LOGLEVEL", "`LOGLEVEL`"), entry.standing, v.Name)
		default:
			assert.Equal(t, "default `"+v.Default+"`", entry.standing, v.Name)
		}
		if v.Secret {
			assert.Contains(t, entry.standing+entry.text, "secret", v.Name)
		}
	}
	slices.Sort(names)
	assert.Equal(t, variableNames(), names)
}

func TestTheDocumentationsExamplesAreAccepted(t *testing.T) {
	for _, entry := range documentedVariables(t) {
		_, err := Load(inPlace(entry.name, entry.example))
		assert.NoError(t, err, entry.name)
	}
}
