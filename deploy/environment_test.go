package deploy

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
)

// secretsOfTheCluster stand for what is in Secrets that the chart does not make, by their names.
var secretsOfTheCluster = map[string]map[string]string{
	"aks-audit-log-go": {
		"EHUBNAMESPACECONNECTIONSTRING": "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=a2V5",
		"BLOBSTORAGECONNECTIONSTRING":   "DefaultEndpointsProtocol=https;AccountName=account;AccountKey=a2V5;EndpointSuffix=core.windows.net",
	},
	"aks-audit-log-hub": {
		"EHUBNAMESPACECONNECTIONSTRING": "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=a2V5",
	},
	"eventhub": {"primaryConnectionString": "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=listen;SharedAccessKey=a2V5"},
	"storage":  {"connectionString": "DefaultEndpointsProtocol=https;AccountName=account;AccountKey=a2V5;EndpointSuffix=core.windows.net"},
}

// configMapsOfTheCluster are ConfigMaps that the chart does not make.
var configMapsOfTheCluster = map[string]map[string]string{
	"team": {"EVENTHUBCONSUMERGROUP": "from-the-team", "LOGLEVEL": "error"},
}

// environmentOf returns what a container's process would have in its environment, as os.Environ has it: what the
// kubelet makes of envFrom and env. Later entries win over earlier ones, env over envFrom.
func environmentOf(t *testing.T, objects []object, container object) map[string]string {
	t.Helper()
	environment := map[string]string{}
	for _, from := range container.list("envFrom") {
		var source map[string]string
		if name, ok := from.at("configMapRef/name").(string); ok {
			source = contentOf(t, objects, "ConfigMap", name)
		} else {
			name, isSecret := from.at("secretRef/name").(string)
			require.True(t, isSecret, "%v", from)
			source = contentOf(t, objects, "Secret", name)
		}
		for key, value := range source {
			environment[key] = value
		}
	}
	for _, one := range container.list("env") {
		name, _ := one["name"].(string)
		if value, ok := one["value"].(string); ok {
			environment[name] = value
			continue
		}
		secret, _ := one.at("valueFrom/secretKeyRef/name").(string)
		key, _ := one.at("valueFrom/secretKeyRef/key").(string)
		value, ok := contentOf(t, objects, "Secret", secret)[key]
		require.True(t, ok, "no %s in the Secret %s", key, secret)
		environment[name] = value
	}
	return environment
}

// contentOf returns what a ConfigMap or Secret holds, of the objects or of the cluster.
func contentOf(t *testing.T, objects []object, kind, name string) map[string]string {
	t.Helper()
	for _, one := range ofKind(objects, kind) {
		if one.name() != name {
			continue
		}
		content := one.strings(t, "data")
		for key, value := range content {
			if kind == "Secret" {
				plain, err := base64.StdEncoding.DecodeString(value)
				require.NoError(t, err)
				content[key] = string(plain)
			}
		}
		return content
	}
	cluster := map[string]map[string]map[string]string{"ConfigMap": configMapsOfTheCluster, "Secret": secretsOfTheCluster}
	content, ok := cluster[kind][name]
	require.True(t, ok, "no %s %s", kind, name)
	return content
}

// environ writes it as os.Environ does.
func environ(environment map[string]string) []string {
	var all []string
	for name, value := range environment {
		all = append(all, name+"="+value)
	}
	return all
}
