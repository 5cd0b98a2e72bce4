//go:build chart

package deploy

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheGracePeriodIsAboveTheShutdownTimeout(t *testing.T) {
	t.Parallel()
	for name, set := range map[string][]string{
		"defaults":            nil,
		"seconds":             {"config.SHUTDOWNTIMEOUT=50s"},
		"minutes and seconds": {"config.SHUTDOWNTIMEOUT=1m30.5s"},
		"milliseconds":        {"config.SHUTDOWNTIMEOUT=1500ms"},
		"an hour":             {"config.SHUTDOWNTIMEOUT=1h"},
		"as a container's":    {"extraEnv[0].name=SHUTDOWNTIMEOUT", "extraEnv[0].value=2m"},
		"given by hand":       {"config.SHUTDOWNTIMEOUT=50s", "terminationGracePeriodSeconds=51"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := render(t, append([]string{withSecret}, set...)...)
			seconds, ok := only(t, objects, "Deployment").at("spec/template/spec/terminationGracePeriodSeconds").(int)
			require.True(t, ok)
			grace, shutdown := time.Duration(seconds)*time.Second, load(t, objects).ShutdownTimeout
			assert.Greater(t, grace, shutdown)
			assert.LessOrEqual(t, grace, shutdown+6*time.Second)
		})
	}
}

func TestTheProbesAndTheServiceAskWhereTheDaemonListens(t *testing.T) {
	t.Parallel()
	objects := render(t, withSecret, "config.STATSADDRESS=0.0.0.0:8080", "service.port=80")
	ports := container(t, objects).list("ports")
	require.Len(t, ports, 1)
	assert.Equal(t, object{"name": "metrics", "containerPort": 8080, "protocol": "TCP"}, ports[0])
	assert.Equal(t, object{"path": "/healthz", "port": "metrics"}, container(t, objects).under("livenessProbe/httpGet"))
	assert.Equal(t, object{"path": "/readyz", "port": "metrics"}, container(t, objects).under("readinessProbe/httpGet"))
	assert.Equal(t, object{"name": "metrics", "port": 80, "targetPort": "metrics", "protocol": "TCP"}, only(t, objects, "Service").list("spec/ports")[0])
	assert.Equal(t, true, only(t, objects, "Service").at("spec/publishNotReadyAddresses"))
}

// TestEachPodMeetsTheRestrictedStandard is Kubernetes' Pod Security Standard "restricted", and what Azure Policy asks
// for beyond it: a read-only root file system, limits, no token of the API server.
func TestEachPodMeetsTheRestrictedStandard(t *testing.T) {
	t.Parallel()
	for _, file := range examples(t) {
		objects := render(t, file)
		assert.Equal(t, false, only(t, objects, "ServiceAccount")["automountServiceAccountToken"])
		for name, spec := range podSpecs(t, objects) {
			name = filepath.Base(file) + " " + name
			assert.Equal(t, false, spec["automountServiceAccountToken"], name)
			assert.Equal(t, "RuntimeDefault", spec.at("securityContext/seccompProfile/type"), name)
			assert.Equal(t, true, spec.at("securityContext/runAsNonRoot"), name)
			assert.Greater(t, spec.at("securityContext/runAsUser"), 0, name)
			for _, one := range spec.list("containers") {
				assert.Equal(t, object{
					"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
					"capabilities": object{"drop": []any{"ALL"}},
				}, one.under("securityContext"), name)
				for _, resource := range []string{"cpu", "memory"} {
					assert.NotNil(t, one.at("resources/limits/"+resource), name)
					assert.NotNil(t, one.at("resources/requests/"+resource), name)
				}
				image, _ := one["image"].(string)
				assert.False(t, strings.HasSuffix(image, ":latest") || !strings.Contains(image, ":"), image)
			}
		}
	}
}

func TestWithWorkloadIdentityThereAreNoKeys(t *testing.T) {
	t.Parallel()
	objects := render(t, chart+"/ci/identity-values.yaml")
	account := only(t, objects, "ServiceAccount")
	assert.Equal(t, map[string]string{
		"azure.workload.identity/client-id": "00000000-0000-0000-0000-000000000001",
		"azure.workload.identity/tenant-id": "00000000-0000-0000-0000-000000000002",
	}, account.strings(t, "metadata/annotations"))
	assert.Empty(t, ofKind(objects, "Secret"))
	for name, spec := range podSpecs(t, objects) {
		assert.Equal(t, account.name(), spec["serviceAccountName"], name)
		for _, one := range spec.list("containers") {
			for variable := range environmentOf(t, objects, one) {
				assert.NotContains(t, variable, "CONNECTIONSTRING", name)
			}
			for _, from := range one.list("envFrom") {
				assert.NotContains(t, from, "secretRef", name)
			}
		}
	}
	labels := only(t, objects, "Deployment").strings(t, "spec/template/metadata/labels")
	assert.Equal(t, "true", labels["azure.workload.identity/use"])
	for _, pod := range ofKind(objects, "Pod") {
		assert.Equal(t, "true", pod.strings(t, "metadata/labels")["azure.workload.identity/use"], pod.name())
	}

	labels = only(t, render(t, withSecret), "Deployment").strings(t, "spec/template/metadata/labels")
	assert.NotContains(t, labels, "azure.workload.identity/use")
}

func TestTheServiceAndTheBudgetSelectTheDaemonAndNoTest(t *testing.T) {
	t.Parallel()
	for _, file := range examples(t) {
		objects := render(t, file)
		deployment := only(t, objects, "Deployment")
		pod := deployment.strings(t, "spec/template/metadata/labels")
		selectors := map[string]map[string]string{"Deployment": deployment.strings(t, "spec/selector/matchLabels")}
		for _, service := range ofKind(objects, "Service") {
			selectors["Service"] = service.strings(t, "spec/selector")
		}
		for _, kind := range []string{"PodDisruptionBudget", "PodMonitor", "ServiceMonitor"} {
			for _, one := range ofKind(objects, kind) {
				selectors[kind] = one.strings(t, "spec/selector/matchLabels")
			}
		}
		for kind, selector := range selectors {
			require.NotEmpty(t, selector, kind)
			assert.True(t, selects(selector, pod), "%s %s", file, kind)
			for _, test := range ofKind(objects, "Pod") {
				assert.False(t, selects(selector, test.strings(t, "metadata/labels")), "%s %s selects %s", file, kind, test.name())
			}
		}
	}
}

func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}

func TestAFolderForCheckpointsIsNeverShared(t *testing.T) {
	t.Parallel()
	objects := render(t, chart+"/ci/checkpoint-dir-values.yaml")
	assert.Equal(t, "Recreate", only(t, objects, "Deployment").at("spec/strategy/type"))
	for name, spec := range podSpecs(t, objects) {
		if name != "Deployment" {
			assert.Empty(t, spec["volumes"], name)
		}
	}
	assert.Equal(t, "RollingUpdate", only(t, render(t, withSecret), "Deployment").at("spec/strategy/type"))
}
