package deploy

import (
	"os"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
)

// TestAPodOfTheDotNETPredecessorConfiguresTheDaemon holds the promise that only the image has to be exchanged.
func TestAPodOfTheDotNETPredecessorConfiguresTheDaemon(t *testing.T) {
	manifest, err := os.ReadFile("testdata/dotnet-predecessor.yaml")
	require.NoError(t, err)
	objects := parse(t, manifest)
	containers := only(t, objects, "Deployment").list("spec/template/spec/containers")
	require.Len(t, containers, 1)
	environment := environmentOf(t, objects, containers[0])
	require.Contains(t, environment, "EhubNamespaceConnectionString", "the names have their own spelling")

	cfg, err := forwarder.Load(environ(environment))
	require.NoError(t, err)
	assert.Equal(t, "kubeauditlog.servicebus.windows.net", cfg.HubConnection.Host)
	assert.Equal(t, "insights-logs-kube-audit", cfg.HubName)
	assert.Equal(t, "$Default", cfg.ConsumerGroup)
	require.NotNil(t, cfg.Blob)
	assert.Equal(t, "kubeauditlogcontainer", cfg.BlobContainerName)
	assert.Equal(t, "http://sysdig-agent:7765/k8s_audit", cfg.SinkURL.String())
	assert.Equal(t, logrus.DebugLevel, cfg.LogLevel)
	assert.Less(t, cfg.ShutdownTimeout, 30*time.Second, "it has no terminationGracePeriodSeconds, and 30 is Kubernetes' default")
}
