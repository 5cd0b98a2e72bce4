package unpack

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/valyala/fastjson"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/unpack/jsonscan"
)

// The bounds of what a hub event may hold. They are far above what any API server writes: an audit event has 50 to
// 2,000 values, a hub event of AKS about 20 records. Without them a hub event of 16 KB of gzip costs gigabytes.
const (
	// maxValues is how many values (commas and opening brackets outside of strings) a body may have, and each JSON
	// text in a string of the body.
	maxValues = 100_000
	// maxRecords is how many records a body may have.
	maxRecords = 20_000
)

var (
	errTooManyValues = fmt.Errorf("more than %d records or %d values are not read", maxRecords, maxValues)
	// errNotSound says that a deeply nested text is not JSON.
	errNotSound = errors.New("the text is not JSON")
)

// boundedParser is the JSON parser of the general parser's way, with a bound to what it may cost.
type boundedParser struct {
	parser fastjson.Parser
	// grown is how many values the parser has room for, as far as growFor made it.
	grown int
}

// ParseBytes parses a text. It fails with errTooManyValues if the text has more than maxValues.
func (p *boundedParser) ParseBytes(text []byte) (*fastjson.Value, error) {
	return p.parse(text, depth(text))
}

// deepText is from how many levels on a text is checked before it is parsed: fastjson makes an error message of each
// level, of all the levels below, so that a broken text of 300 bytes and 298 levels would take 4 MB.
const deepText = 6

// parse is ParseBytes for a text of this depth.
func (p *boundedParser) parse(text []byte, levels int) (*fastjson.Value, error) {
	values := jsonscan.Values(text, largeValues)
	switch {
	case values > maxValues:
		return nil, errTooManyValues
	case levels >= deepText && !jsonscan.Sound(text):
		return nil, errNotSound
	}
	p.growFor(values)
	return p.parser.ParseBytes(text) //nolint:wrapcheck // ParseBytes is the parser's own method
}

// growFor gives the parser room for many values. Fastjson appends the values to a slice, a quarter more each time, and
// the values of one text keep all these slices alive: five times what they need, 400 bytes a value. Where short texts
// have made the slice grow before, only the last slice is alive: 80 to 100 bytes a value.
func (p *boundedParser) growFor(values int) {
	for p.grown <= values && values > largeValues { // up to there jsonscan.Values may count too many
		p.grown = min(max(p.grown+p.grown/4, largeValues), values) + 1
		_, _ = p.parser.Parse("[" + strings.Repeat("1,", p.grown-2) + "1]")
	}
}

// largeSize and largeValues are from which size on a body is large for the general parser's way: such a body costs
// several megabytes while it is parsed, so that the process parses one of them at a time. A usual body of AKS has 33 KB
// and 2,500 commas and brackets, and goes the fast path's way.
const (
	largeSize   = 64 << 10
	largeValues = 8192
)

// parsedBeforeDrop is how many values the general parser reads before its memory is dropped: fastjson keeps the room of
// the largest array and object that stood at each place, so that bodies which differ let its memory grow on.
const parsedBeforeDrop = 2 * largeValues

// usualSize is up to which size a gzip body is unpacked without a wait, and unpackedLimit up to which size at all, in
// bytes. A hub event that is not packed has at most usualSize. gzip usually shrinks JSON to a tenth.
const (
	usualSize     = eventhub.MaxHubEventSize
	unpackedLimit = 4 << 20
)

// turns is a token that one hub event of the process has at a time.
type turns chan struct{}

var (
	// parsing is the turn to parse a large body. It ends with the parsing.
	parsing = make(turns, 1)
	// unpacking is the turn to have a body that is larger unpacked than a hub event may be. It ends with the verdicts:
	// the records are parts of the body. A goroutine that has it may wait for the turn to parse, but never the other
	// way round.
	unpacking = make(turns, 1)
)

// turn is what a hub event holds of turns.
type turn struct{ of turns }

// take waits for the turn, unless it was taken before, or until ctx ends.
func (t *turn) take(ctx context.Context, of turns) error {
	if t.of != nil {
		return nil
	}
	select {
	case of <- struct{}{}:
		t.of = of
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// giveBack ends the turn, if it was taken.
func (t *turn) giveBack() {
	if t.of != nil {
		<-t.of
		t.of = nil
	}
}
