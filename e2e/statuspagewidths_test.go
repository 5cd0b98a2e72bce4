//go:build look

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
)

// TestTheStatusPageBreaksNoNumberAndNoWordInAnyWindow shows the largest content of the page: an outage, with 32
// partitions, names of 60 letters and counts of ten digits.
func TestTheStatusPageBreaksNoNumberAndNoWordInAnyWindow(t *testing.T) {
	t.Parallel()
	c := harness.StartCrowdedStatus(t)
	c.FallBehind()
	c.Break()
	b := harness.StartBrowser(t)
	for _, locale := range []string{"en-GB", "de-DE", "ar-EG"} {
		for _, width := range []int{360, 768, 1024, 1280, 1920} {
			name := fmt.Sprintf("%s, %d px", locale, width)
			p := b.Open(t, c.URL, harness.Window{Width: width, Height: 800, Scheme: "light", Locale: locale})
			p.AwaitText(t, "#recent-log", "holding the audit event")
			p.AwaitText(t, "#history", "arrived 1,0")
			assertFits(t, p, name, width)
			more := `tr[data-details-of="17"]`
			p.Click(t, `tr[data-partition="17"] button`)
			p.AwaitText(t, more, "1,24")
			p.AwaitText(t, more, "arrived ")
			assertFits(t, p, name+", with details", width)
			if locale == "en-GB" {
				assert.Empty(t, p.List(t, "violations"), "%s: rules of accessibility", name)
			}
			assert.Empty(t, p.List(t, "complaints"), "%s: what the browser complained of", name)
			p.Close(t)
		}
	}
}

// assertFits checks that no number and no word is broken, that no text exceeds its place, and that nothing scrolls
// sideways.
func assertFits(t *testing.T, p *harness.Tab, name string, width int) {
	t.Helper()
	broken, spilled := p.List(t, "broken"), p.List(t, "spilled")
	t.Logf("%s: %d broken, %d spilled, %d px wide", name, len(broken), len(spilled), p.ScrollWidth(t))
	assert.Empty(t, broken, "%s: broken numbers and words", name)
	assert.Empty(t, spilled, "%s: text that does not fit", name)
	assert.LessOrEqual(t, p.ScrollWidth(t), width, "%s: the width of what is shown", name)
}

func TestTheStatusPageSaysWhatIsBehindFirstAndShowsLastNightsOutageAfterAReload(t *testing.T) {
	t.Parallel()
	c := harness.StartCrowdedStatus(t)
	b := harness.StartBrowser(t)
	p := b.Open(t, c.URL, desk)
	p.AwaitText(t, "#state", "Up to date")
	assert.Equal(t, "30 up to date, 2 elsewhere", p.Text(t, "#partitions-summary"))
	good := p.Colour(t, "#banner")

	c.FallBehind()
	p.AwaitText(t, "#state", "Behind")
	assert.NotEqual(t, good, p.Colour(t, "#banner"), "11 hours behind is not green")
	assert.Equal(t, "26 up to date, 3 catching up, 1 behind, 2 elsewhere", p.Text(t, "#partitions-summary"))
	p.AwaitText(t, "#answers", "Yes: it reads 30 of 32 partitions, and delivers.")
	p.AwaitText(t, "#answers", "No: 4,812,705,678 hub events wait, the oldest for 11 h 4 min.")
	p.AwaitText(t, "#answers", "Never at this rate.")
	p.AwaitText(t, "#answers", "Raise the retention of the hub first")
	p.AwaitText(t, "#answers a", "Runbook: AksAuditLogFarBehind")
	assert.Equal(t, "https://git.example.com/security/aks-audit-log-go/blob/v1.0.0/docs/operations.md#aksauditlogfarbehind", p.Attribute(t, "#answers a", "href"))
	for i, partition := range []string{"17", "5", "6", "21", "0"} {
		assert.Equal(t, partition, p.Attribute(t, fmt.Sprintf("#partitions tr:nth-child(%d)", 2*i+1), "data-partition"))
	}
	assert.Contains(t, p.Text(t, cell("5", "Note")), "up to date in about 15 min")

	p.Reload(t)
	p.AwaitText(t, "#history", "arrived 1,0")
	p.Hover(t, "#history figure:nth-child(2) .u-over", 0.604) // of 24 hours: 30 minutes after the sink went away
	p.AwaitText(t, "#history", "waiting 2")
	p.AwaitText(t, "#history", "handled 0 at ")
	p.AwaitText(t, "#history", "delivered 0 at ")

	// A selected time fills the plot, so what was at 0.60 of the width is now at 0.40.
	plot := "#history figure:nth-child(2) .u-over"
	p.Drag(t, plot, 0.56, 0.66)
	p.Hover(t, plot, 0.4)
	p.AwaitText(t, "#history", "handled 0 at ")
	p.Hover(t, plot, 0.9)
	harness.Wait(t, func() bool { return !strings.Contains(p.Text(t, "#history"), "handled 0 at ") }, "the outage is over by then")
}

func TestASelectionSurvivesARefreshOfTheStatusPage(t *testing.T) {
	t.Parallel()
	c := harness.StartCrowdedStatus(t)
	p := harness.StartBrowser(t).Open(t, c.URL, desk)
	p.AwaitText(t, "#state", "Up to date")
	p.Select(t, "#setup")
	selected := p.Selected(t)
	assert.Contains(t, selected, "company-security-production.servicebus.windows.net / insights-logs-kube-audit")
	c.Break()
	p.AwaitText(t, "#paused", "Paused while text is selected. The values shown are of")
	harness.Wait(t, func() bool { return strings.HasPrefix(p.Title(t), "✗ not delivering") }, "the title says what has happened")
	assert.Equal(t, selected, p.Selected(t))
	assert.Equal(t, "Up to date", p.Text(t, "#state"))
	p.Deselect(t)
	p.AwaitText(t, "#state", "Not delivering")
	assert.Empty(t, p.Text(t, "#paused"))
}

func TestTheStatusPageOfAReplicaThatStandsBySaysSoOnce(t *testing.T) {
	t.Parallel()
	c := harness.StartCrowdedStatus(t)
	c.StandBy()
	p := harness.StartBrowser(t).Open(t, c.URL, desk)
	p.AwaitText(t, "#state", "Standing by")
	p.AwaitText(t, "#answers", "Yes: it stands by, other replicas own all partitions.")
	p.AwaitText(t, "#answers", "Nothing: it takes over when one of them ends.")
	assert.Equal(t, 1, strings.Count(strings.ToLower(p.Text(t, "main")), "standing by"))
	assert.Equal(t, "32 elsewhere", p.Text(t, "#partitions-summary"))
	assert.Empty(t, p.List(t, "violations"), "rules of accessibility")
	p.AssertCleanAt(t, c.URL)
}
