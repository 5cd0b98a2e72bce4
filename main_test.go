package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

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
		{[]string{"check", "-h"}, exitOK, "try only what needs no network", ""},
		{[]string{"check", "-offline"}, exitUsage, "✗ configuration: ", ""},
		{[]string{"check", "-only", "falco"}, exitUsage, "", `there is no part "falco" to check`},
		{[]string{"check", "-json"}, exitFailed, `"ok": false`, ""},
		{[]string{"check", "all"}, exitUsage, "", `unexpected argument "all"`},
		{[]string{"check", "-x"}, exitUsage, "", "flag provided but not defined: -x"},
		{[]string{"checkpoints"}, exitUsage, "", "checkpoints needs one of export, show behind it"},
		{[]string{"checkpoints", "burn"}, exitUsage, "", "checkpoints needs one of export, show behind it"},
		{[]string{"deadletters", "-json"}, exitUsage, "", "deadletters needs one of list, replay behind it"},
		{[]string{"checkpoints", "show", "all"}, exitUsage, "", `unexpected argument "all"`},
		{[]string{"checkpoints", "show", "-x"}, exitUsage, "", "flag provided but not defined: -x"},
		{[]string{"checkpoints", "show", "-h"}, exitOK, "print JSON", ""},
		{[]string{"checkpoints", "export", "-h"}, exitOK, "-namespace", ""},
		{[]string{"deadletters", "list", "-h"}, exitOK, "-json", ""},
		{[]string{"deadletters", "replay", "-h"}, exitOK, "-dry-run", ""},
		{[]string{"deadletters", "list"}, exitUsage, "", "EHUBNAMESPACECONNECTIONSTRING is not set"},
		{[]string{"version", "now"}, exitUsage, "", `unexpected argument "now"`},
		{[]string{"-v"}, exitUsage, "", "try: aks-audit-log-go help"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, test.code, run(test.args, nil, &stdout, &stderr))
			assert.Contains(t, stdout.String(), test.stdout)
			assert.Contains(t, stderr.String(), test.stderr)
			assert.Equal(t, test.stdout == "", stdout.Len() == 0)
		})
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	var stdout bytes.Buffer
	require.Equal(t, exitOK, run([]string{"help"}, nil, &stdout, io.Discard))
	for name := range commands {
		assert.Contains(t, stdout.String(), "  aks-audit-log-go "+name+" ")
	}
}

func TestExportIsRefusedForCheckpointsInAFolder(t *testing.T) {
	var stdout, stderr bytes.Buffer
	assert.Equal(t, exitUsage, run([]string{"checkpoints", "export"}, environ(t), &stdout, &stderr))
	assert.Contains(t, stderr.String(), "CHECKPOINTDIR keeps checkpoints in files")
	assert.Empty(t, stdout.String())
}

func TestCommandsDoNotCreateTheFolder(t *testing.T) {
	for _, args := range [][]string{{"checkpoints", "show"}, {"deadletters", "list"}, {"deadletters", "replay"}} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, exitFailed, run(args, environ(t), &stdout, &stderr))
		assert.Contains(t, stderr.String(), "open CHECKPOINTDIR: ")
		assert.NotContains(t, stdout.String(), "sent")
	}
}

func TestAWrongConfigurationIsReportedInOneMessage(t *testing.T) {
	var stderr bytes.Buffer
	assert.Equal(t, exitUsage, run(nil, []string{"EVENTHUBNAME=hub", "POSTMAXRETRIES=many"}, io.Discard, &stderr))
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
	assert.Equal(t, exitUsage, run(nil, environ(t, "STATSADDRESS=127.0.0.1:0"), io.Discard, &stderr))
	assert.Contains(t, stderr.String(), "cannot parse AUTOMEMLIMIT: most of it")
}

func TestAStatisticsPortInUseEndsTheDaemon(t *testing.T) {
	used, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = used.Close() }()
	var stderr bytes.Buffer
	assert.Equal(t, exitFailed, run(nil, environ(t, "STATSADDRESS="+used.Addr().String()), io.Discard, &stderr))
	assert.Contains(t, stderr.String(), "listen for statistics on "+used.Addr().String())
	assert.Contains(t, stderr.String(), "address already in use")
}

func TestAResultThatCannotBeWrittenIsAFailure(t *testing.T) {
	var stderr bytes.Buffer
	assert.Equal(t, exitFailed, run([]string{"help"}, nil, brokenPipe{}, &stderr))
	assert.Contains(t, stderr.String(), "broken pipe")
}

// brokenPipe fails every write.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }
