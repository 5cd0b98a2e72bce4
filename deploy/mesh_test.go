//go:build chart

package deploy

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The annotations that lead a connection past the sidecar of a pod that makes it.
const (
	istioOut   = "traffic.sidecar.istio.io/excludeOutboundPorts"
	linkerdOut = "config.linkerd.io/skip-outbound-ports"
)

func TestTheConnectionToTheSinkIsLedPastASidecar(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings []string
		want     any // nil for no annotation
	}{
		"the default":             {nil, "9765"},
		"another port":            {[]string{"config.WEBSINKURL=http://falco.falco.svc:9000/k8s-audit"}, "9000"},
		"an address":              {[]string{"config.WEBSINKURL=https://[fd00::1]:8443/k8s-audit"}, "8443"},
		"no port":                 {[]string{"config.WEBSINKURL=http://falco.falco.svc/k8s-audit"}, "80"},
		"as a container's":        {[]string{"extraEnv[0].name=WEBSINKURL", "extraEnv[0].value=http://falco:9001"}, "9001"},
		"the port of the Service": {[]string{"networkPolicy.egress.sinkPort=1234"}, "9765"},
		"a port that Azure has":   {[]string{"config.WEBSINKURL=https://falco.example.com/k8s-audit"}, nil},
		"a URL in the Secret":     {[]string{"config.WEBSINKURL="}, nil},
		"switched off":            {[]string{"serviceMesh.excludeSinkPort=false"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := render(t, append([]string{withSecret}, test.settings...)...)
			pods := map[string]object{"Deployment": only(t, objects, "Deployment").under("spec/template/metadata/annotations")}
			for _, pod := range ofKind(objects, "Pod") {
				if pod.name() == "release-aks-audit-log-go-check" {
					pods["check"] = pod.under("metadata/annotations")
				}
			}
			require.Len(t, pods, 2)
			for pod, annotations := range pods {
				for _, annotation := range []string{istioOut, linkerdOut} {
					assert.Equal(t, test.want, annotations[annotation], "%s %s", pod, annotation)
				}
			}
		})
	}
}

func TestOnesOwnAnnotationForASidecarWins(t *testing.T) {
	t.Parallel()
	objects := render(t, withSecret, `podAnnotations.traffic\.sidecar\.istio\.io/excludeOutboundPorts=9765\,5671`)
	annotations := only(t, objects, "Deployment").strings(t, "spec/template/metadata/annotations")
	assert.Equal(t, "9765,5671", annotations[istioOut])
	assert.Equal(t, "9765", annotations[linkerdOut])
}

// TestTheDaemonInFalcosPodIsAContainerThatKubernetesKnows puts the container into a Deployment, as Falco's chart does.
func TestTheDaemonInFalcosPodIsAContainerThatKubernetesKnows(t *testing.T) {
	t.Parallel()
	deployment := only(t, render(t, withSecret), "Deployment")
	containers := readValues(t, "sidecar-values.yaml").at("extra/initContainers")
	require.NotEmpty(t, containers)
	deployment.under("spec/template/spec")["initContainers"] = containers
	assert.Equal(t, map[string]string{"Deployment": "statusValid"}, verdicts(t, []object{deployment}))

	// What the chart gives its own container holds here too.
	own, sidecar := container(t, []object{deployment}), deployment.list("spec/template/spec/initContainers")[0]
	assert.Equal(t, own["image"], sidecar["image"])
	assert.Equal(t, own["resources"], sidecar["resources"])
}
