//go:build chart

package deploy

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cluster is an API server that has one Deployment of the release, if any, and answers what Helm's lookup asks.
func cluster(t *testing.T, deployment object) string {
	t.Helper()
	mux := http.NewServeMux()
	for path, answer := range map[string]object{
		"/version": {"major": "1", "minor": "34", "gitVersion": "v" + kubeVersion},
		"/api":     {"kind": "APIVersions", "versions": []any{}},
		"/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []any{object{
			"name": "apps", "versions": []any{object{"groupVersion": "apps/v1", "version": "v1"}}, "preferredVersion": object{"groupVersion": "apps/v1", "version": "v1"},
		}}},
		"/apis/apps/v1": {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "apps/v1", "resources": []any{object{
			"name": "deployments", "singularName": "deployment", "kind": "Deployment", "namespaced": true, "verbs": []any{"get", "list"},
		}}},
		"/apis/apps/v1/namespaces/falco/deployments/release-aks-audit-log-go": deployment,
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			body := answer
			if body == nil {
				w.WriteHeader(http.StatusNotFound)
				body = object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": http.StatusNotFound}
			}
			assert.NoError(t, json.NewEncoder(w).Encode(body))
		})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// against renders the chart as "helm upgrade" does, which looks into the cluster.
func against(t *testing.T, address string, settings ...string) (stdout, stderr string, err error) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(config, nil, 0o600))
	return helm(t, append(template(settings), "--dry-run=server", "--kube-apiserver", address, "--kubeconfig", config)...)
}

func live(replicas int, name string) object {
	return object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": object{"name": "release-aks-audit-log-go", "namespace": "falco"},
		"spec": object{"replicas": replicas, "selector": object{"matchLabels": object{"app.kubernetes.io/name": name, "app.kubernetes.io/instance": "release"}}},
	}
}

// TestSwitchingKEDAOnKeepsTheReplicasThatAreThere: without a number, Helm takes the old one away, and Kubernetes goes
// to 1.
func TestSwitchingKEDAOnKeepsTheReplicasThatAreThere(t *testing.T) {
	t.Parallel()
	for _, replicas := range []int{0, 1, 3, 12} {
		out, errors, err := against(t, cluster(t, live(replicas, "aks-audit-log-go")), withSecret, "keda.enabled=true", "replicaCount=2")
		require.NoError(t, err, errors)
		assert.Equal(t, replicas, only(t, parse(t, []byte(out)), "Deployment").at("spec/replicas"))
	}
	out, errors, err := against(t, cluster(t, nil), withSecret, "keda.enabled=true")
	require.NoError(t, err, errors)
	assert.NotContains(t, only(t, parse(t, []byte(out)), "Deployment").under("spec"), "replicas", "a first installation has none")
	out, errors, err = against(t, cluster(t, live(3, "aks-audit-log-go")), withSecret, "replicaCount=2")
	require.NoError(t, err, errors)
	assert.Equal(t, 2, only(t, parse(t, []byte(out)), "Deployment").at("spec/replicas"), "without KEDA it is the value")
}

// TestAnotherNameOfADeploymentThatIsThereIsRefused: Kubernetes would say only that a field is immutable.
func TestAnotherNameOfADeploymentThatIsThereIsRefused(t *testing.T) {
	t.Parallel()
	address := cluster(t, live(1, "aks-audit-log-go"))
	_, errors, err := against(t, address, withSecret, "nameOverride=forwarder", "fullnameOverride=release-aks-audit-log-go")
	require.Error(t, err)
	assert.Contains(t, errors, `the Deployment release-aks-audit-log-go selects app.kubernetes.io/name=aks-audit-log-go`)
	assert.Contains(t, errors, `set nameOverride back to "aks-audit-log-go", or uninstall the release first`)
	_, errors, err = against(t, address, withSecret)
	require.NoError(t, err, errors)
}
