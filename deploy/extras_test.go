//go:build chart

package deploy

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// extras is the example whose values are all that a cluster may want beside the chart's own.
const extras = chart + "/ci/extras-values.yaml"

func TestThePodGetsWhatTheClusterWantsOfIt(t *testing.T) {
	t.Parallel()
	objects := render(t, extras)
	spec := podSpecs(t, objects)
	for _, name := range []string{"Deployment", "Pod release-aks-audit-log-go-check", "Pod release-aks-audit-log-go-connection"} {
		assert.Equal(t, "None", spec[name]["dnsPolicy"], name)
		assert.Equal(t, []any{"10.1.0.10"}, spec[name].at("dnsConfig/nameservers"), name)
		assert.Equal(t, object{"ip": "10.1.0.4", "hostnames": []any{"my-namespace.servicebus.windows.net"}}, spec[name].list("hostAliases")[0], name)
		assert.Equal(t, []any{object{"name": "of-the-image"}, object{"name": "of-the-chart"}, object{"name": "of-all-charts"}}, spec[name]["imagePullSecrets"],
			"%s: each once, by its name or as an object", name)
	}
	deployment := only(t, objects, "Deployment")
	assert.Equal(t, 2, deployment.at("spec/revisionHistoryLimit"))
	names := func(containers []object) (all []any) {
		for _, one := range containers {
			all = append(all, one["name"])
		}
		return all
	}
	assert.Equal(t, []any{"wait-for-falco", "proxy"}, names(spec["Deployment"].list("initContainers")))
	assert.Equal(t, []any{"aks-audit-log-go", "shipper"}, names(spec["Deployment"].list("containers")))
	check := spec["Pod release-aks-audit-log-go-check"]
	assert.Equal(t, []any{"wait-for-falco", "proxy"}, names(check.list("initContainers")), "the check goes through the same proxy")
	assert.Equal(t, []any{"check"}, names(check.list("containers")), "a pod with another container would never end")

	spec = podSpecs(t, render(t, withSecret))
	for _, field := range []string{"dnsPolicy", "dnsConfig", "hostAliases", "imagePullSecrets", "initContainers"} {
		assert.NotContains(t, spec["Deployment"], field)
	}
	deployment = only(t, render(t, withSecret, "revisionHistoryLimit=0"), "Deployment")
	assert.Equal(t, 0, deployment.at("spec/revisionHistoryLimit"))
	assert.NotContains(t, only(t, render(t, withSecret), "Deployment").under("spec"), "revisionHistoryLimit")
}

func TestTheEnvironmentMayComeFromMoreSources(t *testing.T) {
	t.Parallel()
	objects := render(t, extras)
	environment := environmentOf(t, objects, container(t, objects))
	assert.Equal(t, secretsOfTheCluster["aks-audit-log-go"]["EHUBNAMESPACECONNECTIONSTRING"], environment["EHUBNAMESPACECONNECTIONSTRING"],
		"nothing else says how to get to the hub, and the chart takes that for enough")
	assert.Equal(t, "from-the-team", environment["EVENTHUBCONSUMERGROUP"], "it wins over config")
	assert.Equal(t, "debug", environment["LOGLEVEL"], "extraEnv wins over it")
	assert.Empty(t, load(t, objects).Warnings)
}

func TestOneRegistryServesAllImages(t *testing.T) {
	t.Parallel()
	for image, want := range map[string]string{
		"docker.io/library/busybox:1.37.0": "mirror.example.com/hub/library/busybox:1.37.0",
		"busybox:1.37.0":                   "mirror.example.com/hub/busybox:1.37.0",
		"library/busybox:1.37.0":           "mirror.example.com/hub/library/busybox:1.37.0",
		"localhost:5000/busybox:1.37.0":    "mirror.example.com/hub/busybox:1.37.0",
	} {
		objects := render(t, withSecret, "image.registry=registry.example.com", "image.tag=v1", "global.imageRegistry=mirror.example.com/hub", "tests.connection.image="+image)
		assert.Equal(t, "mirror.example.com/hub/aks-audit-log-go:v1", container(t, objects)["image"])
		spec := podSpecs(t, objects)
		assert.Equal(t, "mirror.example.com/hub/aks-audit-log-go:v1", spec["Pod release-aks-audit-log-go-check"].at("containers/0/image"))
		assert.Equal(t, want, spec["Pod release-aks-audit-log-go-connection"].at("containers/0/image"))
	}
}

func TestTheDeploymentAndTheServiceHaveLabelsOfTheirOwn(t *testing.T) {
	t.Parallel()
	objects := render(t, extras, "customLabels.team=security", "deployment.labels.team=audit", `service.labels.app\.kubernetes\.io/name=stolen`)
	deployment, service := only(t, objects, "Deployment"), only(t, objects, "Service")
	assert.Equal(t, "audit", deployment.at("metadata/labels/team"), "the nearer one wins")
	assert.Equal(t, "security", service.at("metadata/labels/team"))
	assert.Equal(t, "gold", service.at("metadata/labels/tier"))
	assert.Equal(t, map[string]string{"reloader.stakater.com/auto": "true"}, deployment.strings(t, "metadata/annotations"))
	assert.Equal(t, "aks-audit-log-go", service.strings(t, "metadata/labels")["app.kubernetes.io/name"], "a ServiceMonitor selects by it")
	assert.NotContains(t, deployment.strings(t, "spec/template/metadata/annotations"), "reloader.stakater.com/auto")
	assert.NotContains(t, only(t, objects, "ConfigMap").strings(t, "metadata/labels"), "tier")
}

func TestObjectsOfOnesOwnAreInstalledToo(t *testing.T) {
	t.Parallel()
	objects := render(t, extras)
	account, role := ofKind(objects, "Role"), ofKind(objects, "RoleBinding")
	require.Len(t, account, 1)
	require.Len(t, role, 1)
	assert.Equal(t, "release-aks-audit-log-go", account[0].name(), "Helm's templates are rendered in an object")
	assert.Equal(t, "release-aks-audit-log-go", role[0].at("subjects/0/name"), "and in a text")
}

// TestUninstallingLeavesNoTestBehind: "helm uninstall" removes no hooks.
func TestUninstallingLeavesNoTestBehind(t *testing.T) {
	t.Parallel()
	tests := ofKind(render(t, withSecret), "Pod")
	require.Len(t, tests, 2)
	for _, pod := range tests {
		annotations := pod.strings(t, "metadata/annotations")
		assert.Equal(t, "before-hook-creation,hook-succeeded", annotations["helm.sh/hook-delete-policy"])
		assert.Equal(t, "hook-succeeded,hook-failed", annotations["helm.sh/hook-output-log-policy"], "else nobody would see what it said")
	}
}
