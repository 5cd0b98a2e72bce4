package plot

import (
	"fmt"
	"math"
	"strings"
)

// Point is one measurement.
type Point struct{ X, Y float64 }

// Series is a line with a name. Points are joined in their order; those that are NaN are left out.
type Series struct {
	Name   string
	Points []Point
}

// Axes name what is drawn and say how.
type Axes struct {
	Title, X, Y string
	// From0 has the horizontal axis start at 0; else it starts at the lowest value.
	From0 bool
	// LogX and LogY give every doubling, or every tenfold, the same room. Only points above 0 are drawn then.
	LogX, LogY bool
}

const (
	plotHeight = 340
	left       = 78.0
	right      = width - margin
	top        = margin + 3*text
	bottom     = plotHeight - 56.0
)

// Lines draws series over two axes that both have a scale.
func Lines(axes Axes, series []Series) []byte {
	c := newCanvas(axes.Title, plotHeight+line*((len(series)+2)/3))
	x, y := axes.scales(series)
	for _, tick := range y.ticks {
		at := y.at(tick)
		c.rule(left, at, right, at, "#dddddd")
		c.label(left-6, at+text/3, "end", amount(tick), "")
	}
	for _, tick := range x.ticks {
		at := x.at(tick)
		c.rule(at, bottom, at, bottom+5, "#222222")
		c.label(at, bottom+text+8, "middle", amount(tick), "")
	}
	c.rule(left, bottom, right, bottom, "#222222")
	c.label((left+right)/2, plotHeight-text, "middle", axes.X, "")
	c.label(left-6, top-8, "start", axes.Y, "")
	for i, s := range series {
		c.series(s, colours[i%len(colours)], x, y)
		c.legend(i, s.Name, colours[i%len(colours)])
	}
	return c.done()
}

func (c *canvas) series(s Series, colour string, x, y scale) {
	var path []string
	for _, p := range s.Points {
		if !x.shows(p.X) || !y.shows(p.Y) {
			continue
		}
		path = append(path, fmt.Sprintf("%.1f,%.1f", x.at(p.X), y.at(p.Y)))
		c.draw(`<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`, x.at(p.X), y.at(p.Y), colour)
	}
	c.draw(`<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`, strings.Join(path, " "), colour)
}

// legend puts the names below, three in a row.
func (c *canvas) legend(i int, name, colour string) {
	x, y := margin+float64(i%3)*(width-2*margin)/3, float64(plotHeight+line*(i/3))
	c.draw(`<rect x="%.1f" y="%.1f" width="12" height="12" fill="%s"/>`, x, y, colour)
	c.label(x+18, y+11, "start", name, "")
}

func (c *canvas) box(x, y, w, h float64) {
	c.draw(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, x, y, w, h, colours[0])
}

// scale turns values into places.
type scale struct {
	from, to    float64 // places
	low, high   float64 // values there
	logarithmic bool
	ticks       []float64
}

func (s scale) shows(value float64) bool {
	return !math.IsNaN(value) && !math.IsInf(value, 0) && (!s.logarithmic || value > 0)
}

func (s scale) at(value float64) float64 {
	low, high := s.low, s.high
	if s.logarithmic {
		value, low, high = math.Log(value), math.Log(low), math.Log(high)
	}
	if high == low {
		return (s.from + s.to) / 2
	}
	return s.from + (value-low)/(high-low)*(s.to-s.from)
}

func (a Axes) scales(series []Series) (x, y scale) {
	var xs, ys []float64
	x = scale{from: left, to: right - margin, logarithmic: a.LogX}
	y = scale{from: bottom, to: top, logarithmic: a.LogY}
	for _, s := range series {
		for _, p := range s.Points {
			if x.shows(p.X) && y.shows(p.Y) {
				xs, ys = append(xs, p.X), append(ys, p.Y)
			}
		}
	}
	x.fit(xs, a.From0, 2)
	y.fit(ys, true, 10)
	return x, y
}

// fit chooses the ends and the ticks. A logarithmic scale has a tick at every power of base.
func (s *scale) fit(values []float64, from0 bool, base float64) {
	if len(values) == 0 {
		values = []float64{1}
	}
	low, high := values[0], values[0]
	for _, value := range values {
		low, high = math.Min(low, value), math.Max(high, value)
	}
	if s.logarithmic {
		s.low, s.high = powerBelow(low, base), powerAbove(high, base)
		for tick := s.low; tick <= s.high*1.0001; tick *= base {
			s.ticks = append(s.ticks, tick)
		}
		return
	}
	s.ticks = ticks(high)
	s.low, s.high = 0, s.ticks[len(s.ticks)-1]
	if !from0 {
		s.low, s.high, s.ticks = low, high, distinct(values)
	}
}

// powerBelow and powerAbove are the powers of base around a value.
func powerBelow(value, base float64) float64 {
	return math.Pow(base, math.Floor(math.Log(value)/math.Log(base)+1e-9))
}

func powerAbove(value, base float64) float64 {
	return math.Pow(base, math.Ceil(math.Log(value)/math.Log(base)-1e-9))
}

// distinct are values without repeats, in the order of their first occurrence.
func distinct(values []float64) []float64 {
	seen := map[float64]bool{}
	var all []float64
	for _, value := range values {
		if !seen[value] {
			seen[value] = true
			all = append(all, value)
		}
	}
	return all
}
