package e2e

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

func TestVersionAndHelpNeedNoConfiguration(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"version", "-version", "--version"} {
		code, stdout, stderr := harness.RunToEnd(t, nil, arg)
		assert.Zero(t, code, arg)
		assert.Regexp(t, `^aks-audit-log-go \S+`, stdout, arg)
		assert.Empty(t, stderr, arg)
	}
	for _, arg := range []string{"help", "-help", "--help", "-h"} {
		code, stdout, stderr := harness.RunToEnd(t, nil, arg)
		assert.Zero(t, code, arg)
		for _, variable := range []string{
			"EHUBNAMESPACECONNECTIONSTRING", "EVENTHUBNAME", "BLOBSTORAGECONNECTIONSTRING", "BLOBCONTAINERNAME", "WEBSINKURL",
			"POSTMAXRETRIES", "POSTRETRYINCREMENTALDELAY", "LOGLEVEL", "RATELIMITEREVENTSPERSECONDS", "RATELIMITERBURST",
			"KEEPALIVE", "EVENTHUBCONSUMERGROUP", "EVENTHUBSTARTPOSITION", "CHECKPOINTINTERVAL", "CHECKPOINTDIR",
			"POSTTIMEOUT", "POSTFAILUREPOLICY", "STATSADDRESS", "LOGFORMAT", "SHUTDOWNTIMEOUT", "$Default", "1000",
		} {
			assert.Contains(t, stdout, variable, arg)
		}
		assert.Empty(t, stderr, arg)
	}
}

func TestAnUnknownCommandIsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"forward"}, {"-forward"}, {"version", "please"}} {
		code, stdout, stderr := harness.RunToEnd(t, nil, args...)
		assert.Equal(t, 2, code, args)
		assert.Empty(t, stdout, args)
		assert.NotEmpty(t, stderr, args)
	}
}

func TestAllThatIsWrongInTheConfigurationIsSaidAtOnceWithoutSecrets(t *testing.T) {
	t.Parallel()
	const key = "c2VjcmV0IGtleSBvZiB0aGUgdGVzdA=="
	tests := map[string]struct {
		settings harness.Settings
		named    []string
		unnamed  []string
	}{
		"nothing is set": {
			named: []string{
				"EHUBNAMESPACECONNECTIONSTRING", "EVENTHUBNAME", "BLOBSTORAGECONNECTIONSTRING", "BLOBCONTAINERNAME", "WEBSINKURL",
			},
			unnamed: []string{"POSTMAXRETRIES", "LOGLEVEL"},
		},
		"all is wrong": {
			settings: harness.Settings{
				"EHUBNAMESPACECONNECTIONSTRING": "Endpoint=hub;SharedAccessKeyName=x;SharedAccessKey=" + key,
				"EVENTHUBNAME":                  "no such/name",
				"BLOBSTORAGECONNECTIONSTRING":   "AccountKey=" + key,
				"BLOBCONTAINERNAME":             "Upper_Case",
				"WEBSINKURL":                    "ftp://user:" + key + "@sink/?token=" + key,
				"POSTMAXRETRIES":                "-1",
				"POSTRETRYINCREMENTALDELAY":     "1s",
				"LOGLEVEL":                      "loud",
				"CHECKPOINTINTERVAL":            "5",
				"POSTFAILUREPOLICY":             "pray",
				"KEEPALIVE":                     "perhaps",
			},
			named: []string{
				"EHUBNAMESPACECONNECTIONSTRING", "EVENTHUBNAME", "BLOBSTORAGECONNECTIONSTRING", "BLOBCONTAINERNAME", "WEBSINKURL",
				"POSTMAXRETRIES", `"-1"`, "POSTRETRYINCREMENTALDELAY", `"1s"`, "LOGLEVEL", `"loud"`, "CHECKPOINTINTERVAL",
				"POSTFAILUREPOLICY", `"pray"`, "hold", "KEEPALIVE", `"perhaps"`,
			},
			unnamed: []string{key, "STATSADDRESS"},
		},
		"the connection string is for another hub": {
			settings: harness.Settings{
				"EHUBNAMESPACECONNECTIONSTRING": "Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=x;SharedAccessKey=" + key + ";EntityPath=one",
				"EVENTHUBNAME":                  "two", "CHECKPOINTDIR": t.TempDir(), "WEBSINKURL": "http://127.0.0.1:1/",
			},
			named:   []string{"EVENTHUBNAME", `"two"`, `"one"`, "EntityPath"},
			unnamed: []string{key, "WEBSINKURL", "BLOBCONTAINERNAME"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := harness.RunToEnd(t, test.settings)
			assert.Equal(t, 2, code)
			assert.Empty(t, stdout)
			for _, part := range test.named {
				assert.Contains(t, stderr, part)
			}
			for _, part := range test.unnamed {
				assert.NotContains(t, stderr, part)
			}
		})
	}
}

func TestAStatisticsPortThatIsTakenEndsTheDaemon(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, taken.Close()) })
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", 0)))
	environ := harness.BlobSettings(t, hub, harness.NewBlobs(t), s.URL).With(harness.Settings{"STATSADDRESS": taken.Addr().String()})

	code, _, stderr := harness.RunToEnd(t, environ)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, taken.Addr().String())
	assert.Contains(t, stderr, "address already in use")
	assert.Zero(t, s.Posted(), "nothing was begun")
}
