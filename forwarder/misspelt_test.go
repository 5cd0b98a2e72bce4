package forwarder

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAMisspeltVariableIsAWarningWithTheIntendedName(t *testing.T) {
	for set, meant := range map[string]string{
		"EVENTHUBCONSUMERGRUOP":             "EVENTHUBCONSUMERGROUP", // two letters swapped
		"EVENTHUBNAMSPACE":                  "EVENTHUBNAMESPACE",
		"EventHubNamspace":                  "EVENTHUBNAMESPACE",
		"EVENT_HUB_NAME":                    "EVENTHUBNAME",
		"event-hub-consumer-group":          "EVENTHUBCONSUMERGROUP",
		"EVENTHUBNAMESPACECONNECTIONSTRING": "EHUBNAMESPACECONNECTIONSTRING",
		"EHUBNAMESPACECONNECTIONSTRINGFILE": "EHUBNAMESPACECONNECTIONSTRING_FILE",
		"WEBSINKTOKENFLIE":                  "WEBSINKTOKENFILE",
		"LOG_LEVEL":                         "LOGLEVEL",
		"POSTTIMEOUTS":                      "POSTTIMEOUT",
	} {
		cfg, err := Load(append(environ(), set+"=s3cr3t"))
		require.NoError(t, err)
		assert.Equal(t, []string{set + " is set, and not read by this program: is " + meant + " meant?"}, cfg.Warnings)
	}
}

func TestAVariableOfAnotherProgramIsNoWarning(t *testing.T) {
	// Kubernetes and shells set these variables, or the Azure and Go libraries read them.
	cfg, err := Load(append(environ(), "KUBERNETES_SERVICE_HOST=10.0.0.1", "FALCO_K8SAUDIT_WEBHOOK_SERVICE_HOST=10.0.0.2",
		"AKS_AUDIT_LOG_GO_SERVICE_HOST=10.0.0.3", "AZURE_CLIENT_ID=a", "AZURE_AUTHORITY_HOST=b", "HTTPS_PROXY=http://proxy", "GOMEMLIMIT=100MiB",
		"HOSTNAME=c", "HOME=/", "PATH=/bin", "LANG=C", "PWD=/", "LOGNAME=d", "EVENTHUBCONSUMERGRUOP=", "=odd"))
	require.NoError(t, err)
	assert.Empty(t, cfg.Warnings)
}

func TestAMisspeltVariableIsNamedBelowTheErrorThatItMayHaveCaused(t *testing.T) {
	_, err := Load(append(environ("EHUBNAMESPACECONNECTIONSTRING="), "EVENTHUBNAMSPACE=a.b"))
	require.ErrorContains(t, err, "1 environment variable is wrong or missing\n  EHUBNAMESPACECONNECTIONSTRING is not set: ")
	require.ErrorContains(t, err, "\n  EVENTHUBNAMSPACE is set, and not read by this program: is EVENTHUBNAMESPACE meant?")
}
