//go:build chart

package deploy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestKEDALooksWhereTheDaemonWrites: the daemon writes namespace, hub and group in lower case, and KEDA 2.21
// lower-cases the group only (pkg/scalers/azure/azure_eventhub_checkpoint.go, blobMetadataCheckpointer).
func TestKEDALooksWhereTheDaemonWrites(t *testing.T) {
	t.Parallel()
	objects := render(t, chart+"/ci/identity-values.yaml")
	metadata := only(t, objects, "ScaledObject").list("spec/triggers")[0].strings(t, "metadata")
	assert.Equal(t, map[string]string{
		"checkpointStrategy": "blobMetadata", "blobContainer": "kubeauditlogcontainer", "storageAccountName": "mystorageaccount",
		"eventHubNamespace": "my-namespace", "eventHubName": "insights-logs-kube-audit", "consumerGroup": "falco",
		"unprocessedEventThreshold": "1000",
	}, metadata)
	config := only(t, objects, "ConfigMap").strings(t, "data")
	assert.Equal(t, strings.ToLower(config["EVENTHUBNAMESPACE"]), metadata["eventHubNamespace"]+".servicebus.windows.net")

	metadata = only(t, render(t, withSecret, "keda.enabled=true", "config.EVENTHUBNAME=Audit"), "ScaledObject").list("spec/triggers")[0].strings(t, "metadata")
	assert.Equal(t, "blobMetadata", metadata["checkpointStrategy"])
	assert.Equal(t, "audit", metadata["eventHubName"])
	assert.Equal(t, "$default", metadata["consumerGroup"])
}

func TestKEDASignsInAsTheDaemonDoes(t *testing.T) {
	t.Parallel()
	objects := render(t, chart+"/ci/identity-values.yaml")
	authentication := only(t, objects, "TriggerAuthentication")
	trigger := only(t, objects, "ScaledObject").list("spec/triggers")[0]
	assert.Equal(t, authentication.name(), trigger.at("authenticationRef/name"))
	assert.Equal(t, "azure-workload", authentication.at("spec/podIdentity/provider"))

	objects = render(t, withSecret, "keda.enabled=true")
	assert.Empty(t, ofKind(objects, "TriggerAuthentication"))
	trigger = only(t, objects, "ScaledObject").list("spec/triggers")[0]
	environment := environmentOf(t, objects, container(t, objects))
	for _, key := range []string{"connectionFromEnv", "storageConnectionFromEnv"} {
		name, _ := trigger.at("metadata/" + key).(string)
		assert.NotEmpty(t, environment[name], "KEDA reads it from the environment of the Deployment's container")
	}
}

func TestAnotherCloudIsToldToKEDA(t *testing.T) {
	t.Parallel()
	objects := render(t, chart+"/ci/identity-values.yaml",
		"config.EVENTHUBNAMESPACE=sb://ns.servicebus.chinacloudapi.cn:5671/", "config.BLOBSTORAGEURL=https://account.blob.core.chinacloudapi.cn/")
	metadata := only(t, objects, "ScaledObject").list("spec/triggers")[0].strings(t, "metadata")
	assert.Equal(t, "ns", metadata["eventHubNamespace"])
	assert.Equal(t, "Private", metadata["cloud"])
	assert.Equal(t, "servicebus.chinacloudapi.cn", metadata["endpointSuffix"])
	assert.Equal(t, "core.chinacloudapi.cn", metadata["storageEndpointSuffix"])
}

func TestKEDAAloneChoosesTheNumberOfReplicas(t *testing.T) {
	t.Parallel()
	deployment := only(t, render(t, withSecret, "keda.enabled=true"), "Deployment")
	assert.NotContains(t, deployment.under("spec"), "replicas", "what is rendered without a look into the cluster would set it back")
	deployment = only(t, render(t, withSecret, "replicaCount=0"), "Deployment")
	require.Contains(t, deployment.under("spec"), "replicas")
	assert.Equal(t, 0, deployment.at("spec/replicas"))
}
