//go:build look

package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

func TestTheStatusPageTellsOfABacklogWhileThereIsOne(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	body := harness.AuditHubEvent(t, harness.AuditEvent("0", 0))
	hub.AppendMessage("0", hubtest.Message{Body: [][]byte{body}, Enqueued: time.Now().Add(-2 * time.Hour)})
	s.AnswerWith(http.StatusServiceUnavailable)
	d := harness.StartDaemon(t, harness.PageSettings(t, hub, s.URL))
	p := harness.StartBrowser(t).Open(t, d.StatsURL, desk)
	p.AwaitText(t, "#answers", "No: 1 hub event waits, the oldest for 2 h")
	p.AwaitText(t, "#answers", "Not before it works again.")
	p.AwaitText(t, cell("0", "Age"), "2 h")
	assert.Empty(t, p.List(t, "violations"), "rules of accessibility")

	s.AnswerWith(http.StatusOK)
	s.Await(t, 1)
	harness.Wait(t, func() bool { return p.Text(t, "#state") == "Up to date" }, "the backlog is over")
	p.AssertClean(t, d)
}
