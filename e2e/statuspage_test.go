//go:build look

package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

// soon is how long the page may take to show what has happened. It asks every two seconds; the
// rest is for a busy machine.
const soon = 15 * time.Second

var (
	desk  = window{width: 1280, height: 800, scheme: "light"}
	night = window{width: 1280, height: 800, scheme: "dark"}
	// The narrowest phones that are in use.
	phone      = window{width: 360, height: 740, scheme: "light"}
	nightPhone = window{width: 360, height: 740, scheme: "dark"}
)

// pageSettings are hubSettings with the checkpoints in a folder, since the page is not about them.
func pageSettings(t *testing.T, hub *hubtest.Server, sinkURL string) settings {
	t.Helper()
	return hubSettings(t, hub, sinkURL).with(impatient()).with(settings{"CHECKPOINTDIR": t.TempDir()})
}

// shows waits until an element reads so.
func (p *tab) shows(t *testing.T, selector, text string) {
	t.Helper()
	eventually(t, func() bool { return strings.Contains(p.text(t, selector), text) }, "%s shows %q", selector, text)
}

// cell is the selector of what a partition's row says under a heading.
func cell(partition, label string) string {
	return fmt.Sprintf(`tr[data-partition="%s"] [data-label="%s"]`, partition, label)
}

// assertNothingOdd looks at what the browser had to say, and where it asked.
func (p *tab) assertNothingOdd(t *testing.T, d *daemon) {
	t.Helper()
	assert.Empty(t, p.list(t, "complaints"), "what the browser complained of")
	own, err := url.Parse(d.stats)
	require.NoError(t, err)
	for _, request := range p.list(t, "requests") {
		asked, err := url.Parse(request)
		require.NoError(t, err)
		if asked.Scheme != "data" {
			assert.Equal(t, own.Host, asked.Host, "only the daemon is asked")
		}
	}
}

func TestTheStatusPageShowsAnOutageOfTheSinkWithinSecondsAndItsRecovery(t *testing.T) {
	t.Parallel()
	hub, s := startHub(t, 2), startSink(t)
	d := startDaemon(t, pageSettings(t, hub, s.URL))
	p := startBrowser(t).open(t, d.stats, desk)
	p.shows(t, "#state", "forwarding")
	p.shows(t, "#reason", "owning 2 of 2 partitions")
	p.shows(t, cell("0", "Owner"), "this replica")
	assert.Equal(t, "None since the start.", p.text(t, "#no-troubles"))

	fed := newFeed(hub)
	fed.add(t, 4, 3)
	p.shows(t, cell("1", "Delivered"), "12")
	p.shows(t, cell("1", "Position"), "3")
	p.shows(t, cell("1", "Sink's last answer"), "✓ 200")
	p.shows(t, cell("0", "Lag"), "0")
	p.assertNothingOdd(t, d)

	s.answer(http.StatusServiceUnavailable)
	fed.add(t, 1, 1)
	eventually(t, func() bool { status, _ := d.readyz(t); return status == http.StatusServiceUnavailable }, "the daemon is not ready")
	down := time.Now()
	p.shows(t, "#state", "not ready")
	assert.Less(t, time.Since(down), soon, "the time until the page shows it")
	p.shows(t, "#reason", "the sink does not take audit events")
	p.shows(t, cell("0", "Sink's last answer"), "✗ the sink answered 503 Service Unavailable")
	p.shows(t, cell("0", "Lag"), "1")
	p.shows(t, "#troubles", "holding the audit event until the sink takes it")

	s.answer(http.StatusOK)
	d.awaitReady(t)
	up := time.Now()
	p.shows(t, "#state", "forwarding")
	assert.Less(t, time.Since(up), soon, "the time until the page shows it")
	p.shows(t, cell("0", "Delivered"), "13")
	p.shows(t, cell("0", "Sink's last answer"), "✓ 200")
	p.assertNothingOdd(t, d)

	assert.Empty(t, p.text(t, "#offline"))
	d.stop(t)
	p.shows(t, "#offline", "The daemon does not answer.")
}

func TestTheStatusPageCanBeReadOnAPhoneInTheDarkAndByAScreenReader(t *testing.T) {
	t.Parallel()
	hub, s := startHub(t, 4), startSink(t)
	d := startDaemon(t, pageSettings(t, hub, s.URL))
	b := startBrowser(t)
	windows := map[string]window{
		"status-page": desk, "status-page-dark": night, "status-page-phone": phone, "status-page-phone-dark": nightPhone,
	}
	grounds := map[string]string{"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 27)"}
	tabs := map[string]*tab{}
	for name, w := range windows {
		tabs[name] = b.open(t, d.stats, w)
	}
	dir := os.Getenv(picturesVariable)
	if dir == "" {
		dir = t.TempDir()
		playOutage(t, newFeed(hub), s, d)
	} else {
		playScene(t, newFeed(hub), s, d)
	}
	for name, p := range tabs {
		p.shows(t, "#troubles", "post failed")
		p.shows(t, "#state", "forwarding")
		assert.Contains(t, p.text(t, "#figures"), "Delivered")
		assert.LessOrEqual(t, p.scrollWidth(t), windows[name].width, "%s does not scroll sideways", name)
		assert.Equal(t, grounds[windows[name].scheme], p.ground(t), "%s: the ground", name)
		assert.Empty(t, p.list(t, "violations"), "%s: rules of accessibility", name)
		p.screenshot(t, filepath.Join(dir, name+".png"), windows[name].width > phone.width)
		p.assertNothingOdd(t, d)
	}
}
