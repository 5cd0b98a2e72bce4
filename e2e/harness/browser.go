//go:build look

package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Browser is a headless Chromium. browser.mjs controls it.
type Browser struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	answer *bufio.Scanner
	errors Output
}

// StartBrowser starts a Chromium that ends with the test.
func StartBrowser(t *testing.T) *Browser {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	require.NoError(t, err, "the tests of the status page need Debian's package chromium: apt-get install -y chromium")
	node, err := nodeWithModules()
	require.NoError(t, err)
	b := &Browser{}
	// The test's context would kill the browser before the clean-up can end it properly.
	b.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), node, "browser.mjs", chromium)
	b.cmd.SysProcAttr = dieWithParent()
	b.cmd.Stderr = &b.errors
	b.stdin, err = b.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := b.cmd.StdoutPipe()
	require.NoError(t, err)
	b.answer = bufio.NewScanner(stdout)
	b.answer.Buffer(nil, 1<<20)
	require.NoError(t, b.cmd.Start())
	t.Cleanup(func() {
		assert.NoError(t, b.stdin.Close())
		assert.NoError(t, b.cmd.Wait(), "the browser's end: %s", &b.errors)
	})
	return b
}

// browserCommand is a line to browser.mjs, which documents the fields.
type browserCommand struct {
	Do       string `json:"do"`
	Page     int    `json:"page"`
	URL      string `json:"url,omitempty"`
	Width    int    `json:"width,omitempty"`
	Height   int    `json:"height,omitempty"`
	Scheme   string `json:"scheme,omitempty"`
	Locale   string `json:"locale,omitempty"`
	Selector string `json:"selector,omitempty"`
	Name     string `json:"name,omitempty"`
	Path     string `json:"path,omitempty"`
	Whole    bool   `json:"whole,omitempty"`
	// Part is a position, as a part of the width from 0 to 1.
	Part float64 `json:"part,omitempty"`
	// From is the position at which a drag starts, as a part of the width.
	From float64 `json:"from,omitempty"`
}

// do executes a command and decodes its result.
func (b *Browser) do(t *testing.T, c browserCommand, result any) {
	t.Helper()
	line, err := json.Marshal(c)
	require.NoError(t, err)
	_, err = b.stdin.Write(append(line, '\n'))
	require.NoError(t, err, "%s", &b.errors)
	require.True(t, b.answer.Scan(), "the browser ended: %s", &b.errors)
	var got struct {
		OK    json.RawMessage `json:"ok"`
		Error string          `json:"error"`
	}
	require.NoError(t, json.Unmarshal(b.answer.Bytes(), &got))
	require.Empty(t, got.Error, "%s", c.Do)
	if result != nil {
		require.NoError(t, json.Unmarshal(got.OK, result))
	}
}

// Tab is a page in a window of its own.
type Tab struct {
	*Browser
	page int
}

// Window has the size of a window, its preferred colour scheme, which is "light" or "dark", and the browser's
// language.
type Window struct {
	Width, Height  int
	Scheme, Locale string
}

// Open opens a page in a new window.
func (b *Browser) Open(t *testing.T, url string, w Window) *Tab {
	t.Helper()
	opened := &Tab{Browser: b}
	b.do(t, browserCommand{Do: "open", URL: url, Width: w.Width, Height: w.Height, Scheme: w.Scheme, Locale: w.Locale}, &opened.page)
	return opened
}

// Text returns the visible text of the one element that matches the CSS selector.
func (p *Tab) Text(t *testing.T, selector string) (text string) {
	t.Helper()
	p.do(t, browserCommand{Do: "text", Page: p.page, Selector: selector}, &text)
	return text
}

// ScrollWidth returns the width of the page's content in CSS pixels.
func (p *Tab) ScrollWidth(t *testing.T) (width int) {
	t.Helper()
	p.do(t, browserCommand{Do: "width", Page: p.page}, &width)
	return width
}

// Close closes the window. A daemon accepts only a limited number of connections from one address.
func (p *Tab) Close(t *testing.T) {
	t.Helper()
	p.do(t, browserCommand{Do: "close", Page: p.page}, nil)
}

// Reload loads the page again.
func (p *Tab) Reload(t *testing.T) {
	t.Helper()
	p.do(t, browserCommand{Do: "reload", Page: p.page}, nil)
}

// Click clicks the one element that matches the CSS selector.
func (p *Tab) Click(t *testing.T, selector string) {
	t.Helper()
	p.do(t, browserCommand{Do: "click", Page: p.page, Selector: selector}, nil)
}

// Select selects the text of the one element that matches the CSS selector, like a user who wants to copy it.
func (p *Tab) Select(t *testing.T, selector string) {
	t.Helper()
	p.do(t, browserCommand{Do: "select", Page: p.page, Selector: selector}, nil)
}

// Deselect ends the selection.
func (p *Tab) Deselect(t *testing.T) {
	t.Helper()
	p.do(t, browserCommand{Do: "deselect", Page: p.page}, nil)
}

// Selected returns the text that is selected.
func (p *Tab) Selected(t *testing.T) (text string) {
	t.Helper()
	p.do(t, browserCommand{Do: "selected", Page: p.page}, &text)
	return text
}

// Attribute returns an attribute of the one element that matches the CSS selector.
func (p *Tab) Attribute(t *testing.T, selector, name string) (value string) {
	t.Helper()
	p.do(t, browserCommand{Do: "attribute", Page: p.page, Selector: selector, Name: name}, &value)
	return value
}

// Title returns the title of the page.
func (p *Tab) Title(t *testing.T) (title string) {
	t.Helper()
	p.do(t, browserCommand{Do: "title", Page: p.page}, &title)
	return title
}

// Colour returns the background colour of an element, as CSS writes it.
func (p *Tab) Colour(t *testing.T, selector string) (colour string) {
	t.Helper()
	p.do(t, browserCommand{Do: "colour", Page: p.page, Selector: selector}, &colour)
	return colour
}

// Hover moves the mouse over an element. part is the position, as a part of the element's width from 0 to 1.
func (p *Tab) Hover(t *testing.T, selector string, part float64) {
	t.Helper()
	p.do(t, browserCommand{Do: "hover", Page: p.page, Selector: selector, Part: part}, nil)
}

// Drag moves the mouse over an element with the button pressed. from and to are positions, as parts of the element's
// width from 0 to 1.
func (p *Tab) Drag(t *testing.T, selector string, from, to float64) {
	t.Helper()
	p.do(t, browserCommand{Do: "drag", Page: p.page, Selector: selector, From: from, Part: to}, nil)
}

// Background returns the page's background colour, as CSS writes it.
func (p *Tab) Background(t *testing.T) (colour string) {
	t.Helper()
	p.do(t, browserCommand{Do: "ground", Page: p.page}, &colour)
	return colour
}

// List returns the result of a command of browser.mjs whose result is a list of texts.
func (p *Tab) List(t *testing.T, do string) (texts []string) {
	t.Helper()
	p.do(t, browserCommand{Do: do, Page: p.page}, &texts)
	return texts
}

// Screenshot writes a screenshot of the window, or of the whole page, to a file.
func (p *Tab) Screenshot(t *testing.T, path string, whole bool) {
	t.Helper()
	p.do(t, browserCommand{Do: "screenshot", Page: p.page, Path: path, Whole: whole}, nil)
}

// AwaitText waits until an element contains a text.
func (p *Tab) AwaitText(t *testing.T, selector, text string) {
	t.Helper()
	Wait(t, func() bool { return strings.Contains(p.Text(t, selector), text) }, "%s shows %q", selector, text)
}

// AssertClean checks that the browser reported no errors, and sent requests only to the daemon.
func (p *Tab) AssertClean(t *testing.T, d *Daemon) {
	t.Helper()
	p.AssertCleanAt(t, d.StatsURL)
}

// AssertCleanAt checks that the browser reported no errors, and sent requests only to the server at that address.
func (p *Tab) AssertCleanAt(t *testing.T, address string) {
	t.Helper()
	assert.Empty(t, p.List(t, "complaints"), "what the browser complained of")
	own, err := url.Parse(address)
	require.NoError(t, err)
	for _, request := range p.List(t, "requests") {
		asked, err := url.Parse(request)
		require.NoError(t, err)
		if asked.Scheme != "data" {
			assert.Equal(t, own.Host, asked.Host, "only the daemon is asked")
		}
	}
}
