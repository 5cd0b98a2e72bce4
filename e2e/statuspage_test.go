//go:build look

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// soon is how long the page may take to show what has happened. The page refreshes every two seconds, and the browser
// takes some time. A busy machine needs more time.
const soon = 15 * time.Second

var (
	desk  = harness.Window{Width: 1280, Height: 800, Scheme: "light"}
	night = harness.Window{Width: 1280, Height: 800, Scheme: "dark"}
	// These are the narrowest phones in use.
	phone      = harness.Window{Width: 360, Height: 740, Scheme: "light"}
	nightPhone = harness.Window{Width: 360, Height: 740, Scheme: "dark"}
)

// cell returns the selector of a partition's cell under a heading.
func cell(partition, label string) string {
	return fmt.Sprintf(`tr[data-partition="%s"] [data-label="%s"]`, partition, label)
}

// detail returns the selector of what a click on a partition's number shows under a heading.
func detail(partition, label string) string {
	return fmt.Sprintf(`tr[data-details-of="%s"] [data-label="%s"]`, partition, label)
}

func TestTheStatusPageShowsAnOutageOfTheSinkWithinSecondsAndItsRecovery(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 2), harness.StartSink(t)
	d := harness.StartDaemon(t, harness.PageSettings(t, hub, s.URL))
	p := harness.StartBrowser(t).Open(t, d.StatsURL, desk)
	p.AwaitText(t, "#state", "Up to date")
	p.AwaitText(t, "#answers", "Yes: it reads 2 of 2 partitions, and delivers.")
	p.AwaitText(t, cell("0", "Condition"), "✓ up to date")
	p.Click(t, `tr[data-partition="0"] button`)
	p.Click(t, `tr[data-partition="1"] button`)
	machine, err := os.Hostname()
	require.NoError(t, err)
	p.AwaitText(t, detail("0", "Owner"), machine)
	assert.Equal(t, "None since the start.", p.Text(t, "#no-recent-log"))

	fed := harness.NewFeed(hub)
	fed.Add(t, 4, 3)
	p.AwaitText(t, detail("1", "Delivered"), "12")
	p.AwaitText(t, detail("1", "Position"), "3")
	p.AwaitText(t, detail("1", "Sink's last answer"), "✓ 200")
	p.AwaitText(t, cell("0", "Waiting"), "0")
	p.AssertClean(t, d)

	s.AnswerWith(http.StatusServiceUnavailable)
	fed.Add(t, 1, 1)
	harness.Wait(t, func() bool { status, _ := d.Readyz(t); return status == http.StatusServiceUnavailable }, "the daemon is not ready")
	down := time.Now()
	p.AwaitText(t, "#state", "Not delivering")
	assert.Less(t, time.Since(down), soon+harness.Overtime(t.Context()), "the time until the page shows it")
	p.AwaitText(t, "#answers", "No: the sink does not take audit events: the sink answered 503 Service Unavailable.")
	p.AwaitText(t, "#answers", "Runbook: AksAuditLogSinkFailing, in docs/operations.md")
	p.AwaitText(t, detail("0", "Sink's last answer"), "✗ the sink answered 503 Service Unavailable")
	p.AwaitText(t, cell("0", "Waiting"), "1")
	p.AwaitText(t, "#recent-log", "holding the audit event until the sink takes it")

	s.AnswerWith(http.StatusOK)
	d.AwaitReady(t)
	up := time.Now()
	p.AwaitText(t, "#state", "Up to date")
	assert.Less(t, time.Since(up), soon+harness.Overtime(t.Context()), "the time until the page shows it")
	p.AwaitText(t, detail("0", "Delivered"), "13")
	p.AwaitText(t, detail("0", "Sink's last answer"), "✓ 200")
	p.AssertClean(t, d)

	assert.Empty(t, p.Text(t, "#offline"))
	d.Stop(t)
	p.AwaitText(t, "#offline", "The daemon does not answer.")
}

func TestTheStatusPageShowsAClusterThatFellSilent(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	d := harness.StartDaemon(t, harness.PageSettings(t, hub, s.URL))
	p := harness.StartBrowser(t).Open(t, d.StatsURL, desk)
	p.AwaitText(t, "#no-clusters", "No record has named its cluster yet.")
	clusters := playSilence(t, hub, d)
	p.AwaitText(t, "#clusters", "silent")
	newest := `tr[data-cluster="%s"] [data-label="Newest"]`
	p.AwaitText(t, fmt.Sprintf(newest, clusters.silent), "! silent")
	p.AwaitText(t, fmt.Sprintf(newest, clusters.silent), "20 min")
	p.AwaitText(t, fmt.Sprintf(newest, clusters.heard), " ago")
	assert.NotContains(t, p.Text(t, fmt.Sprintf(newest, clusters.heard)), "silent")
	p.AwaitText(t, `#clusters tr:first-child [data-label="Cluster"]`, clusters.silent)
	p.AwaitText(t, fmt.Sprintf(`tr[data-cluster="%s"] [data-label="Records"]`, clusters.heard), "3")
	assert.Empty(t, p.Text(t, "#no-clusters"))
	assert.Empty(t, p.List(t, "violations"), "rules of accessibility")
	p.AssertClean(t, d)
}

func TestTheStatusPageCanBeReadOnAPhoneInTheDarkAndByAScreenReader(t *testing.T) {
	t.Parallel()
	c := harness.StartCrowdedStatus(t)
	c.FallBehind()
	b := harness.StartBrowser(t)
	windows := map[string]harness.Window{
		"status-page": desk, "status-page-dark": night, "status-page-phone": phone, "status-page-phone-dark": nightPhone,
	}
	grounds := map[string]string{"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 27)"}
	dir := os.Getenv(harness.PicturesVariable)
	if dir == "" {
		dir = t.TempDir()
	}
	for name, w := range windows {
		p := b.Open(t, c.URL, w)
		p.AwaitText(t, "#recent-log", "post failed")
		p.AwaitText(t, "#state", "Behind")
		p.AwaitText(t, "#history", "arrived 1,0")
		assert.Contains(t, p.Text(t, "#figures"), "Audit events delivered")
		assertFits(t, p, name, w.Width)
		assert.Equal(t, grounds[w.Scheme], p.Background(t), "%s: the ground", name)
		assert.Empty(t, p.List(t, "violations"), "%s: rules of accessibility", name)
		p.Screenshot(t, filepath.Join(dir, name+".png"), w.Width > phone.Width)
		p.AssertCleanAt(t, c.URL)
		p.Close(t)
	}
}
