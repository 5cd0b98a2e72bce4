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

// The bounds of a hub event. They are far above what API servers write: an audit event has 50 to 2,000 values, and a
// hub event of AKS about 20 records. Without these bounds, a hub event of 16 KB of gzip could cost gigabytes.
const (
	// maxValues is how many values (commas and opening brackets outside of strings) a body may have. The same bound
	// holds for each JSON text in a string of the body.
	maxValues = 100_000
	// maxRecords is how many records a body may have.
	maxRecords = 20_000
)

var (
	errTooManyValues = fmt.Errorf("more than %d records or %d values are not read", maxRecords, maxValues)
	// errNotSound says that a deeply nested text is not JSON.
	errNotSound = errors.New("the text is not JSON")
)

// boundedParser is the general parser's JSON parser, with bounds on the memory that a text may cost.
type boundedParser struct {
	parser fastjson.Parser
	// grown is how many values growFor has made room for.
	grown int
}

// ParseBytes parses a text. It fails with errTooManyValues if the text has more than maxValues.
func (p *boundedParser) ParseBytes(text []byte) (*fastjson.Value, error) {
	return p.parse(text, depth(text))
}

// deepText is the number of levels from which a text is checked before it is parsed. For a broken text, fastjson
// makes an error message at each level, which quotes those of all levels below. So a broken text of 300 bytes and 298
// levels would take 4 MB.
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

// growFor gives the parser room for many values before it parses them. Fastjson appends values to a slice, which
// grows by a quarter each time. The values of one text keep all of its slices alive, five times what they need: 400
// bytes a value. If shorter texts made the slice grow before, only the last slice is alive: 80 to 100 bytes a value.
func (p *boundedParser) growFor(values int) {
	for p.grown <= values && values > largeValues { // up to largeValues, jsonscan.Values may count too many
		p.grown = min(max(p.grown+p.grown/4, largeValues), values) + 1
		_, _ = p.parser.Parse("[" + strings.Repeat("1,", p.grown-2) + "1]")
	}
}

// largeSize (in bytes) and largeValues are the bounds from which a body is large for the general parser. A large body
// costs several megabytes while it is parsed, so the process parses one of them at a time. A usual body of AKS has 33
// KB and 2,500 commas and brackets, and takes the fast path.
const (
	largeSize   = 64 << 10
	largeValues = 8192
)

// parsedBeforeDrop is how many values the general parser reads before its memory is dropped. For each place in a
// text, fastjson keeps the room of the largest array and object that it found there, so its memory keeps growing if
// bodies differ.
const parsedBeforeDrop = 2 * largeValues

// A gzip body is unpacked up to usualSize without a wait, and up to unpackedLimit at all, both in bytes. A hub event
// that is not packed has at most usualSize. gzip usually shrinks JSON to a tenth.
const (
	usualSize     = eventhub.MaxHubEventSize
	unpackedLimit = 4 << 20
)

// turns is a token that only one hub event of the process can hold at a time.
type turns chan struct{}

var (
	// parsing is the turn to parse a large body. It ends when the body is parsed.
	parsing = make(turns, 1)
	// unpacking is the turn to have a body in memory that is, unpacked, larger than a hub event may be. It ends when
	// all records have their verdicts, because the records are parts of the body. A goroutine that has this turn may
	// wait for the turn to parse, but never the other way round.
	unpacking = make(turns, 1)
)

// turn is the turn that a hub event has taken, if any.
type turn struct{ of turns }

// take waits for the turn until ctx ends. It does nothing if the hub event has a turn already.
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
