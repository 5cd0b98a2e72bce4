package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"aks-audit-log-go/forwarder"
)

// errNeedsNetwork is the result of a check that was not tried because of Options.Offline.
var errNeedsNetwork = fmt.Errorf("%w: it needs the network, and -offline is set", errNotTried)

// The states of a part, as JSON names them.
const (
	stateWorks    = "works"
	stateFails    = "fails"
	stateNotTried = "not_tried"
)

// marks are the states of a part, as a line shows them.
var marks = map[string]string{stateWorks: "✓", stateFails: "✗", stateNotTried: "–"}

// part is the result of one check.
type part struct {
	Part    string `json:"part"`
	State   string `json:"state"`
	Message string `json:"message"`
	// Partitions is set only for the part "events".
	Partitions []partitionLag `json:"partitions,omitempty"`
}

// partitionLag is how many hub events wait in a partition.
type partitionLag struct {
	Partition string `json:"partition"`
	// Lag is null if it is not known, because a reader without a checkpoint chooses its position only when it starts.
	Lag *int64 `json:"lag_events"`
}

// report prints the results, and remembers which checks failed.
type report struct {
	out io.Writer
	// timeout bounds each check.
	timeout time.Duration
	options Options
	// failed are the names of the checks that failed or were not tried because of a failure.
	failed map[string]bool
	// lags are the lags that checkEvents found.
	lags []partitionLag
	// parts are all results, for JSON.
	parts []part
	// waiting are the parts that were not tried for the same reason. They share a line, which is not printed yet.
	waiting []string
	reason  string
	// writeErr is the first error in writing to out.
	writeErr error
}

func newReport(out io.Writer, timeout time.Duration, options Options) *report {
	return &report{out: out, timeout: timeout, options: options, failed: map[string]bool{}}
}

// configuration prints whether the configuration is valid, and its warnings.
func (r *report) configuration(cfg forwarder.Config, configErr error) {
	if configErr != nil {
		r.failed[configuration] = true
		r.add(stateFails, configuration, strings.TrimPrefix(configErr.Error(), configuration+": "))
		return
	}
	text := "complete"
	for _, warning := range cfg.Warnings {
		text += "\n  mind: " + warning
	}
	r.add(stateWorks, configuration, text)
}

// run runs a check and prints its result, unless a check that it needs failed or ctx is done.
func (r *report) run(ctx context.Context, cfg forwarder.Config, c check) {
	for _, needed := range []string{configuration, c.needs} {
		if r.failed[needed] {
			r.failed[c.name] = true
			r.add(stateNotTried, c.name, "not tried: fix the "+needed+" first")
			return
		}
	}
	if ctx.Err() != nil {
		r.add(stateNotTried, c.name, "not tried: "+errInterrupted.Error())
		return
	}
	limited, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	switch result, err := r.chosen(c)(limited, cfg); {
	case ctx.Err() != nil:
		r.add(stateNotTried, c.name, errInterrupted.Error())
	case errors.Is(err, errNotTried):
		r.add(stateNotTried, c.name, r.oneLine(err))
	case err != nil:
		r.failed[c.name] = true
		r.add(stateFails, c.name, r.oneLine(err))
	default:
		r.add(stateWorks, c.name, result)
	}
}

// chosen returns the function that does a check, online or offline.
func (r *report) chosen(c check) try {
	switch {
	case !r.options.Offline:
		return c.try
	case c.offline != nil:
		return c.offline
	}
	return func(context.Context, forwarder.Config) (string, error) { return "", errNeedsNetwork }
}

// add prints one result. Successive parts that were not tried for the same reason share a line.
func (r *report) add(state, name, text string) {
	found := part{Part: name, State: state, Message: text}
	if name == "events" {
		found.Partitions = r.lags
	}
	r.parts = append(r.parts, found)
	if state != stateNotTried || text != r.reason {
		r.flush()
	}
	if state == stateNotTried {
		r.waiting, r.reason = append(r.waiting, name), text
		return
	}
	r.line(state, name, text)
}

// flush prints the line of the parts that were not tried.
func (r *report) flush() {
	if len(r.waiting) > 0 {
		r.line(stateNotTried, strings.Join(r.waiting, ", "), r.reason)
	}
	r.waiting = nil
}

// end prints the rest, and the JSON object if it is wanted.
func (r *report) end() {
	r.flush()
	if !r.options.JSON {
		return
	}
	encoder := json.NewEncoder(r.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	r.wrote(encoder.Encode(map[string]any{"ok": len(r.failed) == 0, "parts": r.parts}))
}

// line prints one line, unless JSON is wanted.
func (r *report) line(state, name, text string) {
	if !r.options.JSON {
		_, err := fmt.Fprintf(r.out, "%s %s: %s\n", marks[state], name, text)
		r.wrote(err)
	}
}

// wrote remembers the first error in writing to out.
func (r *report) wrote(err error) {
	if err != nil && r.writeErr == nil {
		r.writeErr = err
	}
}

// oneLine returns the text of an error in one line, because the SDKs' errors have line breaks. Each service words a
// timeout differently; oneLine words it the same for all.
func (r *report) oneLine(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	return strings.ReplaceAll(text, context.DeadlineExceeded.Error(), fmt.Sprintf("no answer within %s", r.timeout))
}
