// Package plot draws the benchmark's figures as SVG: bars beside names, and lines over numbers. It
// knows just what docs/performance.md needs, so that no plotting library has to be kept up to date.
package plot

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"
)

// The picture, in SVG's pixels.
const (
	width  = 760
	margin = 16
	text   = 13 // font size
	line   = 26 // from one bar to the next
)

// colours are told apart with every kind of colour blindness (Okabe and Ito).
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"}

// canvas collects the elements of a picture.
type canvas struct{ strings.Builder }

func newCanvas(title string, height int) *canvas {
	c := &canvas{}
	c.draw(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" `+
		`font-family="sans-serif" font-size="%d" role="img">`, width, height, text)
	c.draw(`<title>%s</title><rect width="100%%" height="100%%" fill="#ffffff"/>`, escape(title))
	c.label(margin, margin+text, "start", title, `font-weight="bold"`)
	return c
}

// draw adds elements.
func (c *canvas) draw(format string, args ...any) {
	_, _ = c.WriteString(fmt.Sprintf(format, args...) + "\n") // it takes everything
}

func (c *canvas) label(x, y float64, anchor, content, more string) {
	c.draw(`<text x="%.1f" y="%.1f" text-anchor="%s" fill="#222222" %s>%s</text>`, x, y, anchor, more, escape(content))
}

func (c *canvas) rule(x1, y1, x2, y2 float64, colour string) {
	c.draw(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`, x1, y1, x2, y2, colour)
}

func (c *canvas) done() []byte { return []byte(c.String() + "</svg>\n") }

// escape makes text fit for XML. A strings.Builder takes everything, so there is no error.
func escape(content string) string {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(content))
	return escaped.String()
}

// ticks are round numbers from 0 on, the last at or above highest: what an axis shows.
func ticks(highest float64) []float64 {
	if !(highest > 0) || math.IsInf(highest, 0) {
		return []float64{0, 1}
	}
	const about = 5
	step := math.Pow10(int(math.Floor(math.Log10(highest / about))))
	for _, factor := range []float64{1, 2, 5, 10} {
		if step*factor*about >= highest {
			step *= factor
			break
		}
	}
	all := []float64{0}
	for i := 1; all[len(all)-1] < highest; i++ {
		all = append(all, float64(i)*step)
	}
	return all
}

// amount writes a number at an axis.
func amount(value float64) string {
	switch {
	case value >= 1e6:
		return trimmed(value/1e6) + " M"
	case value >= 1e4:
		return trimmed(value/1e3) + " k"
	default:
		return trimmed(value)
	}
}

func trimmed(value float64) string {
	written := fmt.Sprintf("%.3f", value)
	return strings.TrimSuffix(strings.TrimRight(written, "0"), ".")
}
