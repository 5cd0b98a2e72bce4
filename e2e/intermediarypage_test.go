//go:build look

package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
)

func TestTheStatusPageSaysWhoAnswersInPlaceOfFalco(t *testing.T) {
	t.Parallel()
	hub, f := harness.StartHub(t, 1), harness.StartFalco(t)
	ingress, _ := startForwardProxy(t, f.URL)
	d := harness.StartDaemon(t, harness.PageSettings(t, hub, ingress.URL+"/k8s-audit"))
	p := harness.StartBrowser(t).Open(t, d.StatsURL, desk)
	p.AwaitText(t, "#state", "Up to date")
	assert.Empty(t, p.Text(t, "#intermediary"), "nothing was answered yet")

	hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", 0)))
	p.AwaitText(t, "#intermediary", "The connection to the sink ends at 1.1 gateway, not at Falco")
	p.AwaitText(t, "#recent-log", "give WEBSINKURL the address of Falco's own Service")
	assert.Empty(t, p.List(t, "violations"), "rules of accessibility")
	p.AssertClean(t, d)
}
