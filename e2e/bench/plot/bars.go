package plot

import "math"

// Bar is one bar of Bars. Label is what stands at its end, beside its length.
type Bar struct {
	Name  string
	Value float64
	Label string
}

// Bars draws horizontal bars, the first on top. A value that is NaN or negative has no length.
func Bars(title string, bars []Bar) []byte {
	const head, names, labels = margin + 2*text, 300.0, 90.0
	c := newCanvas(title, head+line*len(bars)+margin)
	highest := 0.0
	for _, bar := range bars {
		if bar.Value > highest {
			highest = bar.Value
		}
	}
	for i, bar := range bars {
		y := float64(head + line*i)
		length := 0.0
		if highest > 0 && bar.Value > 0 {
			length = math.Max(1, bar.Value/highest*(width-names-labels-2*margin))
		}
		c.label(margin+names-8, y+line*0.7, "end", bar.Name, "")
		c.box(margin+names, y+4, length, line-8)
		c.label(margin+names+length+6, y+line*0.7, "start", bar.Label, "")
	}
	return c.done()
}
