package cli

import (
	"bytes"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheCommandsPrintAndExit(t *testing.T) {
	for _, test := range []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{[]string{"version"}, exitOK, "aks-audit-log-go dev (revision ", ""},
		{[]string{"-version"}, exitOK, "aks-audit-log-go dev (revision ", ""},
		{[]string{"--version"}, exitOK, "aks-audit-log-go dev (revision ", ""},
		{[]string{"help"}, exitOK, "EHUBNAMESPACECONNECTIONSTRING", ""},
		{[]string{"-help"}, exitOK, "EHUBNAMESPACECONNECTIONSTRING", ""},
		{[]string{"-h"}, exitOK, "there is a NAME_FILE", ""},
		{[]string{"start"}, exitUsage, "", `unknown command "start"`},
		{[]string{"check"}, exitFailed, "✗ configuration: ", ""},
		{[]string{"check", "-h"}, exitOK, "Usage:\n  aks-audit-log-go check", ""},
		{[]string{"check", "-h"}, exitOK, "try only what needs no network", ""},
		{[]string{"check", "-offline"}, exitUsage, "✗ configuration: ", ""},
		{[]string{"check", "-only", "falco"}, exitUsage, "", `there is no part "falco" to check`},
		{[]string{"check", "-json"}, exitFailed, `"ok": false`, ""},
		{[]string{"check", "all"}, exitUsage, "", `unexpected argument "all"`},
		{[]string{"check", "-x"}, exitUsage, "", "flag provided but not defined: -x"},
		{[]string{"checkpoints"}, exitUsage, "", "checkpoints needs one of export, show after it"},
		{[]string{"checkpoints", "burn"}, exitUsage, "", "checkpoints needs one of export, show after it"},
		{[]string{"deadletters", "-json"}, exitUsage, "", "deadletters needs one of list, replay, show after it"},
		{[]string{"checkpoints", "show", "all"}, exitUsage, "", `unexpected argument "all"`},
		{[]string{"checkpoints", "show", "-x"}, exitUsage, "", "flag provided but not defined: -x"},
		{[]string{"checkpoints", "show", "-h"}, exitOK, "print JSON", ""},
		{[]string{"checkpoints", "export", "-h"}, exitOK, "-namespace", ""},
		{[]string{"deadletters", "list", "-h"}, exitOK, "-json", ""},
		{[]string{"deadletters", "replay", "-h"}, exitOK, "-dry-run", ""},
		{[]string{"deadletters", "list", "-o", "xml"}, exitUsage, "", `invalid argument "xml" for "-o, --output" flag: it has to be one of table, wide, json`},
		{[]string{"deadletters", "list", "-reason", "refusd"}, exitUsage, "", `it has to be one of not_json, cut, `},
		{[]string{"deadletters", "list", "-since", "yesterday"}, exitUsage, "", "it has to be a duration such as 90m"},
		{[]string{"deadletters", "list", "-since"}, exitUsage, "", "flag needs an argument: --since"},
		{[]string{"tail", "-h"}, exitOK, "-o json prints an object a line", ""},
		{[]string{"tail", "-o", "yaml"}, exitUsage, "", "it has to be one of line, json"},
		{[]string{"tail", "-user", "alice,"}, exitUsage, "", "it has to be names, separated by commas"},
		{[]string{"tail", "-verb=create", "-user", "!system:*", "-ojson"}, exitUsage, "", "EHUBNAMESPACECONNECTIONSTRING is not set"},
		{[]string{"deadletters", "list", "-json", "-o", "wide"}, exitUsage, "", "[json output]"},
		{[]string{"deadletters", "list", "-ojson", "-since", "24h", "-reason=cut"}, exitUsage, "", "EHUBNAMESPACECONNECTIONSTRING is not set"},
		{[]string{"deadletters", "show"}, exitUsage, "", "deadletters show needs a name, as deadletters list prints it"},
		{[]string{"deadletters", "show", "0/1-0.json", "0/2-0.json"}, exitUsage, "", `unexpected argument "0/2-0.json"`},
		{[]string{"__complete", "deadletters", "list", "-json", "-reason", "no_"}, exitOK, "no_log\n", "ShellCompDirectiveNoFileComp"},
		{[]string{"__complete", "deadletters", "list", "-o", ""}, exitOK, "wide\n", "ShellCompDirectiveNoFileComp"},
		{[]string{"deadletters", "list"}, exitUsage, "", "EHUBNAMESPACECONNECTIONSTRING is not set"},
		{[]string{"replay"}, exitUsage, "", `required flag(s) "from" not set`},
		{[]string{"replay", "-from", "yesterday"}, exitUsage, "", "it has to be a duration such as 90m"},
		{[]string{"replay", "-from", "1h", "-dry-run", "-state", "x"}, exitUsage, "", "[dry-run state]"},
		{[]string{"replay", "-from", "1h", "-to-sink", "falco:9765"}, exitUsage, "", `WEBSINKURL is "falco:9765": it should be `},
		{[]string{"replay", "-h"}, exitOK, "Falco\nraises its alerts again", ""},
		{[]string{"test-alert"}, exitUsage, "", "EHUBNAMESPACECONNECTIONSTRING is not set"},
		{[]string{"test-alert", "-o", "yaml"}, exitUsage, "", `it has to be one of text, json`},
		{[]string{"-forward"}, exitUsage, "", "flag provided but not defined: -forward (try: "},
		{[]string{"chekc"}, exitUsage, "", `unknown command "chekc"; did you mean check? (try: `},
		{[]string{"deadletters", "lsit"}, exitUsage, "", "deadletters needs one of list, replay, show after it; did you mean list?"},
		{[]string{"deadletters", "replay", "-reson", "refused"}, exitUsage, "", "flag provided but not defined: -reson; did you mean -reason?"},
		{[]string{"deadletters", "list", "-h", "-json"}, exitOK, "--json", ""},
		{[]string{"deadletters", "-h"}, exitOK, "  replay ", ""},
		{[]string{"deadletters", "-h"}, exitOK, "Usage:\n  aks-audit-log-go deadletters [command]\n", ""},
		{[]string{"help", "checkpoints"}, exitOK, "Usage:\n  aks-audit-log-go checkpoints [command]\n", ""},
		{[]string{"completion", "-h"}, exitOK, "Usage:\n  aks-audit-log-go completion [command]\n", ""},
		{[]string{"help", "deadletters"}, exitOK, "  replay ", ""},
		{[]string{"help", "deadletters", "replay"}, exitOK, "--dry-run", ""},
		{[]string{"help", "check"}, exitOK, "Usage:\n  aks-audit-log-go check", ""},
		{[]string{"help", "chekc"}, exitUsage, "", `unknown command "chekc"; did you mean check?`},
		{[]string{"help", "deadletters", "lsit"}, exitUsage, "", `unknown command "deadletters lsit"; did you mean list?`},
		{[]string{"completion"}, exitUsage, "", "completion needs one of bash, fish, powershell, zsh after it"},
		{[]string{"completion", "tcsh"}, exitUsage, "", "completion needs one of bash, fish, powershell, zsh after it"},
		{[]string{"completion", "bash"}, exitOK, "complete -o default", ""},
		{[]string{"completion", "zsh"}, exitOK, "#compdef aks-audit-log-go", ""},
		{[]string{"completion", "fish"}, exitOK, "complete -c aks-audit-log-go", ""},
		{[]string{"__complete", "deadletters", "re"}, exitOK, "replay\t", "ShellCompDirectiveNoFileComp"},
		{[]string{"__complete", "deadletters", "list", "-json", "--"}, exitOK, "--help\t", "ShellCompDirectiveNoFileComp"},
		{[]string{"__complete", "help", "deadletters", ""}, exitOK, "list\t", "ShellCompDirectiveNoFileComp"},
		{[]string{"version", "now"}, exitUsage, "", `unexpected argument "now"`},
		{[]string{"-v"}, exitUsage, "", "try: aks-audit-log-go help"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, test.code, Run(test.args, nil, &stdout, &stderr))
			assert.Contains(t, stdout.String(), test.stdout)
			assert.Contains(t, stderr.String(), test.stderr)
			assert.Equal(t, test.stdout == "", stdout.Len() == 0)
		})
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	var stdout bytes.Buffer
	require.Equal(t, exitOK, Run([]string{"help"}, nil, &stdout, io.Discard))
	for _, cmd := range Tree().Commands() {
		if names := cmd.Commands(); len(names) > 0 && cmd.Name() != "completion" {
			for _, one := range names {
				assert.Contains(t, stdout.String(), "  "+one.CommandPath()+" ")
			}
			continue
		}
		assert.Contains(t, stdout.String(), "  "+cmd.CommandPath()+" ")
	}
}

func TestLongFlagsMayHaveOneDash(t *testing.T) {
	tree := Tree()
	for given, want := range map[string]string{
		"":                                       "",
		"-":                                      "-",
		"-h":                                     "-h",
		"-help":                                  "--help",
		"-version":                               "--version",
		"--version":                              "--version",
		"checkpoints show -json":                 "checkpoints show --json",
		"checkpoints show -json=true":            "checkpoints show --json=true",
		"checkpoints export -hub -json -group x": "checkpoints export --hub -json --group x",
		"checkpoints export -hub=-json -json":    "checkpoints export --hub=-json --json",
		"checkpoints export --hub -json":         "checkpoints export --hub -json",
		"deadletters replay -dry-run -- -force":  "deadletters replay --dry-run -- -force",
		"deadletters list -ojson -since 1h":      "deadletters list -ojson --since 1h",
		"deadletters list -o -json -json":        "deadletters list -o -json --json",
		"-forward":                               "--forward",
		"__complete checkpoints show -json -js":  "__complete checkpoints show --json -js",
		"__complete checkpoints export -hub -":   "__complete checkpoints export --hub -",
	} {
		assert.Equal(t, strings.Fields(want), doubleDashes(tree, strings.Fields(given)), given)
	}
	assert.NotNil(t, doubleDashes(tree, nil), "cobra would take the arguments of this process")
}

func TestExportIsRefusedForCheckpointsInAFolder(t *testing.T) {
	var stdout, stderr bytes.Buffer
	assert.Equal(t, exitUsage, Run([]string{"checkpoints", "export"}, environ(t), &stdout, &stderr))
	assert.Contains(t, stderr.String(), "CHECKPOINTDIR keeps checkpoints in files")
	assert.Empty(t, stdout.String())
}

func TestCommandsDoNotCreateTheFolder(t *testing.T) {
	for _, args := range [][]string{{"checkpoints", "show"}, {"deadletters", "list"}, {"deadletters", "replay"}} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, exitFailed, Run(args, environ(t), &stdout, &stderr))
		assert.Contains(t, stderr.String(), "open CHECKPOINTDIR: ")
		assert.NotContains(t, stdout.String(), "sent")
	}
}

func TestAWrongConfigurationIsReportedInOneMessage(t *testing.T) {
	var stderr bytes.Buffer
	assert.Equal(t, exitUsage, Run(nil, []string{"EVENTHUBNAME=hub", "POSTMAXRETRIES=many"}, io.Discard, &stderr))
	for _, name := range []string{"EHUBNAMESPACECONNECTIONSTRING", "WEBSINKURL", "BLOBCONTAINERNAME", "POSTMAXRETRIES"} {
		assert.Contains(t, stderr.String(), name)
	}
	assert.NotContains(t, stderr.String(), "EVENTHUBNAME ")
}

// environ returns a valid configuration whose hub and sink cannot be reached.
func environ(t *testing.T, more ...string) []string {
	return append([]string{
		"EHUBNAMESPACECONNECTIONSTRING=Endpoint=sb://127.0.0.1:1/;SharedAccessKeyName=listen;SharedAccessKey=c2VjcmV0",
		"EVENTHUBNAME=hub", "WEBSINKURL=http://127.0.0.1:1/k8s-audit", "LOGFORMAT=json",
		"CHECKPOINTDIR=" + filepath.Join(t.TempDir(), "checkpoints"),
	}, more...)
}

func TestAnInvalidShareOfTheMemoryLimitIsAWrongConfiguration(t *testing.T) {
	t.Setenv("AUTOMEMLIMIT", "most of it")
	var stderr bytes.Buffer
	assert.Equal(t, exitUsage, Run(nil, environ(t, "STATSADDRESS=127.0.0.1:0"), io.Discard, &stderr))
	assert.Contains(t, stderr.String(), "cannot parse AUTOMEMLIMIT: most of it")
}

func TestAStatisticsPortInUseEndsTheDaemon(t *testing.T) {
	used, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = used.Close() }()
	var stderr bytes.Buffer
	assert.Equal(t, exitFailed, Run(nil, environ(t, "STATSADDRESS="+used.Addr().String()), io.Discard, &stderr))
	assert.Contains(t, stderr.String(), "listen for statistics on "+used.Addr().String())
	assert.Contains(t, stderr.String(), "address already in use")
}

func TestAResultThatCannotBeWrittenIsAFailure(t *testing.T) {
	var stderr bytes.Buffer
	assert.Equal(t, exitFailed, Run([]string{"help"}, nil, brokenPipe{}, &stderr))
	assert.Contains(t, stderr.String(), "broken pipe")
}

// brokenPipe fails every write.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestSinceIsATimeOrHowLongAgoItWas(t *testing.T) {
	var s since
	require.NoError(t, s.Set("2026-03-01T01:00:00+01:00"))
	assert.True(t, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Equal(s.at))
	require.NoError(t, s.Set("90m"))
	assert.InDelta(t, 90*time.Minute, time.Since(s.at), float64(time.Minute))
	assert.Equal(t, "90m", s.String())
	for _, wrong := range []string{"", "-1h", "7 days", "2026-03-01"} {
		require.Error(t, s.Set(wrong), wrong)
	}
}
