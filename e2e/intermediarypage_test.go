//go:build look

package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
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

func TestTheStatusPageSaysThatAProxyIsOnTheWay(t *testing.T) {
	t.Parallel()
	hub, f := harness.StartHub(t, 1), harness.StartFalco(t)
	proxy, _ := startForwardProxy(t, f.URL)
	d := harness.StartDaemon(t, harness.PageSettings(t, hub, "http://falco.example.com/k8s-audit").With(harness.Settings{"HTTP_PROXY": proxy.URL}))
	p := harness.StartBrowser(t).Open(t, d.StatsURL, desk)
	p.AwaitText(t, "#proxy", "Audit events go through the HTTP proxy "+proxy.URL)
	assert.Empty(t, p.List(t, "violations"), "rules of accessibility")
	p.AssertClean(t, d)
}

func TestTheStatusPageIsRedWhileNothingIsWatched(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	d := harness.StartDaemon(t, harness.PageSettings(t, hub, s.URL))
	p := harness.StartBrowser(t).Open(t, d.StatsURL, desk)
	p.AwaitText(t, "#state", "Up to date")
	for _, ago := range []time.Duration{20 * time.Minute, time.Minute} {
		hub.AppendMessage("0", hubtest.Message{
			Body: [][]byte{harness.HubEvent(t, harness.RecordOf("kube-scheduler", harness.KlogLine))}, Enqueued: time.Now().Add(-ago),
		})
	}
	p.AwaitText(t, "#state", "Not watching")
	p.AwaitText(t, "#answers", "No: nothing is watched: the hub has only records of kube-scheduler")
	p.AwaitText(t, "#answers", "Correct the diagnostic setting")
	assert.Empty(t, p.List(t, "violations"), "rules of accessibility")
	p.AssertClean(t, d)
}
