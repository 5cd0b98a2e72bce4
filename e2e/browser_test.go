//go:build look

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// browser is a headless Chromium, driven by browser.mjs.
type browser struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	answer *bufio.Scanner
	errors output
}

// startBrowser starts a Chromium that ends with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	require.NoError(t, err, "the tests of the status page need Debian's package chromium: apt-get install -y chromium")
	node, err := nodeWithModules()
	require.NoError(t, err)
	b := &browser{}
	// Not the test's context: its end comes before the clean-up, which ends the browser in good order.
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

// command is one line to browser.mjs, which says what the fields mean.
type command struct {
	Do       string `json:"do"`
	Page     int    `json:"page"`
	URL      string `json:"url,omitempty"`
	Width    int    `json:"width,omitempty"`
	Height   int    `json:"height,omitempty"`
	Scheme   string `json:"scheme,omitempty"`
	Selector string `json:"selector,omitempty"`
	Path     string `json:"path,omitempty"`
	Whole    bool   `json:"whole,omitempty"`
}

// do carries a command out and decodes its result.
func (b *browser) do(t *testing.T, c command, result any) {
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

// tab is a page in a window.
type tab struct {
	*browser
	page int
}

// window is how large a window is, and whether its owner prefers "light" or "dark".
type window struct {
	width, height int
	scheme        string
}

func (b *browser) open(t *testing.T, url string, w window) *tab {
	t.Helper()
	opened := &tab{browser: b}
	b.do(t, command{Do: "open", URL: url, Width: w.width, Height: w.height, Scheme: w.scheme}, &opened.page)
	return opened
}

// text is what a person reads in the one element that fits the CSS selector.
func (p *tab) text(t *testing.T, selector string) (text string) {
	t.Helper()
	p.do(t, command{Do: "text", Page: p.page, Selector: selector}, &text)
	return text
}

// scrollWidth is how wide the page is, in the browser's pixels.
func (p *tab) scrollWidth(t *testing.T) (width int) {
	t.Helper()
	p.do(t, command{Do: "width", Page: p.page}, &width)
	return width
}

// ground is the colour behind the text, as CSS has it.
func (p *tab) ground(t *testing.T) (colour string) {
	t.Helper()
	p.do(t, command{Do: "ground", Page: p.page}, &colour)
	return colour
}

// list is a result of texts.
func (p *tab) list(t *testing.T, do string) (texts []string) {
	t.Helper()
	p.do(t, command{Do: do, Page: p.page}, &texts)
	return texts
}

func (p *tab) screenshot(t *testing.T, path string, whole bool) {
	t.Helper()
	p.do(t, command{Do: "screenshot", Page: p.page, Path: path, Whole: whole}, nil)
}
