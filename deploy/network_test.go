//go:build chart

package deploy

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheNetworkPolicyLetsTheDaemonToItsSink(t *testing.T) {
	t.Parallel()
	for want, settings := range map[int][]string{
		9765: nil,
		443:  {"config.WEBSINKURL=https://falco.example.com/k8s-audit"},
		80:   {"config.WEBSINKURL=http://falco.example.com"},
		8443: {"config.WEBSINKURL=https://[fd00::1]:8443/k8s-audit"},
		1234: {"networkPolicy.egress.sinkPort=1234"},
	} {
		policy := only(t, render(t, append([]string{withSecret, "networkPolicy.enabled=true"}, settings...)...), "NetworkPolicy")
		egress := policy.list("spec/egress")
		var ports []any
		for _, port := range egress[len(egress)-1].list("ports") {
			ports = append(ports, port["port"])
		}
		assert.Equal(t, []any{want}, ports)
	}
}

// TestTheNetworkPolicyHoldsForTheTestToo: what the policy forbids the daemon, "helm test" has to find.
func TestTheNetworkPolicyHoldsForTheTestToo(t *testing.T) {
	t.Parallel()
	objects := render(t, chart+"/ci/everything-values.yaml")
	policy := only(t, objects, "NetworkPolicy")
	names := policy.list("spec/podSelector/matchExpressions")[0]["values"]
	assert.Contains(t, names, only(t, objects, "Deployment").strings(t, "spec/template/metadata/labels")["app.kubernetes.io/name"])
	for _, pod := range ofKind(objects, "Pod") {
		if pod.name() == "release-aks-audit-log-go-check" {
			assert.Contains(t, names, pod.strings(t, "metadata/labels")["app.kubernetes.io/name"])
			return
		}
	}
	t.Error("there is no pod that checks")
}

// TestTheNetworkPolicyLetsTheTestAskForTheStatistics: who may read them is narrowed down, and "helm test" would fail
// for it.
func TestTheNetworkPolicyLetsTheTestAskForTheStatistics(t *testing.T) {
	t.Parallel()
	objects := render(t, chart+"/ci/everything-values.yaml")
	from := only(t, objects, "NetworkPolicy").list("spec/ingress")[0].list("from")
	require.Len(t, from, 2, "the one in the values, and the test")
	selector := from[1].strings(t, "podSelector/matchLabels")
	let := map[string]bool{}
	for _, pod := range ofKind(objects, "Pod") {
		let[pod.name()] = selects(selector, pod.strings(t, "metadata/labels"))
	}
	assert.Equal(t, map[string]bool{"release-aks-audit-log-go-connection": true, "release-aks-audit-log-go-check": false}, let)

	objects = render(t, chart+"/ci/everything-values.yaml", "tests.connection.enabled=false")
	assert.Len(t, only(t, objects, "NetworkPolicy").list("spec/ingress")[0].list("from"), 1)
	objects = render(t, withSecret, "networkPolicy.enabled=true")
	assert.NotContains(t, only(t, objects, "NetworkPolicy").list("spec/ingress")[0], "from", "anybody may, as it was")
}
