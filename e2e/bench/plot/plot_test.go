package plot

import (
	"encoding/xml"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// element is one element of a picture, as an XML parser sees it.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Elements []element  `xml:",any"`
}

func (e element) number(t *testing.T, name string) float64 {
	t.Helper()
	value, err := strconv.ParseFloat(e.attribute(name), 64)
	require.NoError(t, err)
	return value
}

func (e element) attribute(name string) string {
	for _, attr := range e.Attrs {
		if attr.Name.Local == name {
			return attr.Value
		}
	}
	return ""
}

// find parses a picture and gives its elements of one kind.
func find(t *testing.T, picture []byte, name string) []element {
	t.Helper()
	var root element
	require.NoError(t, xml.Unmarshal(picture, &root), "the picture is XML")
	require.Equal(t, "svg", root.XMLName.Local)
	var found []element
	for _, e := range root.Elements {
		if e.XMLName.Local == name {
			found = append(found, e)
		}
	}
	return found
}

func texts(t *testing.T, picture []byte) []string {
	t.Helper()
	var all []string
	for _, e := range find(t, picture, "text") {
		all = append(all, e.Text)
	}
	return all
}

func TestBarsAreAsLongAsTheirValues(t *testing.T) {
	picture := Bars("audit events/s", []Bar{{"a <b> & c", 100, "100"}, {"half", 50, "50"}, {"none", math.NaN(), "–"}})
	boxes := find(t, picture, "rect")[1:] // the first is the background
	require.Len(t, boxes, 3)
	assert.InDelta(t, 2, boxes[0].number(t, "width")/boxes[1].number(t, "width"), 0.01)
	assert.Zero(t, boxes[2].number(t, "width"))
	assert.Subset(t, texts(t, picture), []string{"audit events/s", "a <b> & c", "100", "–"})
}

func TestBarsWithoutAnyValueArePeaceful(t *testing.T) {
	assert.Len(t, find(t, Bars("nothing", []Bar{{"a", math.NaN(), "–"}, {"b", 0, "0"}}), "rect"), 3)
	assert.Len(t, find(t, Bars("nothing", nil), "rect"), 1)
}

func TestALineGoesThroughItsPoints(t *testing.T) {
	picture := Lines(Axes{Title: "t", X: "x", Y: "y", From0: true}, []Series{{"s", []Point{{0, 0}, {5, 50}, {10, 100}}}})
	dots := find(t, picture, "circle")
	require.Len(t, dots, 3)
	assert.InDelta(t, bottom, dots[0].number(t, "cy"), 0.1)
	assert.InDelta(t, (bottom+top)/2, dots[1].number(t, "cy"), 0.1)
	assert.InDelta(t, top, dots[2].number(t, "cy"), 0.1)
	lines := find(t, picture, "polyline")
	require.Len(t, lines, 1)
	assert.Len(t, strings.Fields(lines[0].attribute("points")), 3)
}

func TestOnALogarithmicAxisADoublingIsAlwaysAsWide(t *testing.T) {
	picture := Lines(Axes{LogX: true}, []Series{{"s", []Point{{1, 1}, {2, 1}, {16, 1}, {32, 1}}}})
	dots := find(t, picture, "circle")
	first := dots[1].number(t, "cx") - dots[0].number(t, "cx")
	assert.InDelta(t, first, dots[3].number(t, "cx")-dots[2].number(t, "cx"), 0.2)
	assert.Subset(t, texts(t, picture), []string{"1", "2", "4", "8", "16", "32"})
}

func TestPointsThatWereNotMeasuredAreLeftOut(t *testing.T) {
	picture := Lines(Axes{LogY: true}, []Series{{"s", []Point{{1, math.NaN()}, {2, 10}, {3, 0}, {4, math.Inf(1)}}}, {"empty", nil}})
	assert.Len(t, find(t, picture, "circle"), 1)
	assert.NotContains(t, string(picture), "NaN")
	assert.NotContains(t, string(picture), "Inf")
}

func TestThePlotStaysInItsPicture(t *testing.T) {
	points := []Point{{3, 12_345}, {1, 7}, {32, 999_999}}
	for _, axes := range []Axes{{}, {From0: true}, {LogX: true}, {LogX: true, LogY: true}} {
		for _, dot := range find(t, Lines(axes, []Series{{"s", points}}), "circle") {
			assert.GreaterOrEqual(t, dot.number(t, "cx"), left-0.1)
			assert.LessOrEqual(t, dot.number(t, "cx"), float64(right))
			assert.GreaterOrEqual(t, dot.number(t, "cy"), float64(top)-0.1)
			assert.LessOrEqual(t, dot.number(t, "cy"), bottom+0.1)
		}
	}
}

func TestTicksAreRoundAndReachTheHighest(t *testing.T) {
	for highest, want := range map[float64][]float64{
		0: {0, 1}, 1: {0, 0.2, 0.4, 0.6, 0.8, 1}, 7: {0, 2, 4, 6, 8}, 245_000: {0, 50_000, 100_000, 150_000, 200_000, 250_000},
	} {
		assert.InDeltaSlice(t, want, ticks(highest), 1e-9, "up to %v", highest)
	}
	assert.Equal(t, []float64{0, 1}, ticks(math.NaN()))
}

func TestAmountsAtAnAxis(t *testing.T) {
	for want, value := range map[string]float64{"0": 0, "0.2": 0.2, "5000": 5000, "250 k": 250_000, "1.5 M": 1_500_000, "10 k": 10_000, "100": 100} {
		assert.Equal(t, want, amount(value))
	}
}
