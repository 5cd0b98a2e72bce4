package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/smallfile"
)

// state is what the sink has confirmed of a replay. It is the content of the file of -state.
type state struct {
	// Hub, From, To and Sink identify the replay.
	Hub  string    `json:"hub"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Sink is the sink's URL without user, password and query.
	Sink string `json:"sink"`
	// Partitions has the last hub event of each partition that is done.
	Partitions map[string]done `json:"partitions"`
	// Counts are the results of all hub events up to these.
	Counts Counts `json:"counts"`
}

// done is the last hub event of a partition that is done.
type done struct {
	Sequence int64     `json:"sequence_number"`
	Offset   string    `json:"offset"`
	Enqueued time.Time `json:"enqueued_time"`
}

// maxStateSize is the largest size of a state file in bytes. A hub has at most 2,048 partitions.
const maxStateSize = 4 << 20

// stateOf returns the state of a replay that has not started.
func stateOf(cfg forwarder.Config, options Options) *state {
	scope := eventhub.ScopeOf(cfg)
	return &state{
		Hub: scope.Namespace + "/" + scope.Hub, From: options.From, To: options.To, Sink: cfg.SinkAddress(),
		Partitions: map[string]done{},
	}
}

// loadState returns the state in a file, or wanted if the file does not exist. It returns an error if the file has the
// state of another replay.
func loadState(path string, wanted *state) (*state, error) {
	if path == "" {
		return wanted, nil
	}
	content, err := smallfile.Read(path, maxStateSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return wanted, nil
	case err != nil:
		return nil, fmt.Errorf("%w: read the state: %w", ErrMisused, err)
	}
	var found state
	if err := json.Unmarshal(content, &found); err != nil || found.Hub == "" {
		return nil, fmt.Errorf("%w: -state %s is no state of a replay: give the name of a file that does not exist yet", ErrMisused, path)
	}
	if found.Partitions == nil {
		found.Partitions = map[string]done{}
	}
	return &found, found.fits(path, wanted)
}

// fits returns an error if this is the state of another replay than wanted.
func (s *state) fits(path string, wanted *state) error {
	const text = "%w: -state %s is of a replay %s, not %s: %s, or give another file for this replay"
	switch {
	case s.Hub != wanted.Hub:
		return fmt.Errorf(text, ErrMisused, path, "of the hub "+s.Hub, "of "+wanted.Hub, "go on with the configuration of that hub")
	case !s.From.Equal(wanted.From) || !s.To.Equal(wanted.To):
		these := "-from " + inText(s.From) + " -to " + inText(s.To)
		return fmt.Errorf(text, ErrMisused, path, these, "-from "+inText(wanted.From)+" -to "+inText(wanted.To), "give "+these+" to go on with it")
	case s.Sink != wanted.Sink:
		return fmt.Errorf(text, ErrMisused, path, "to the sink "+s.Sink, "to "+wanted.Sink, "give -to-sink "+s.Sink+" to go on with it")
	}
	return nil
}

// save writes the state to a file. If the process is killed at any moment, the file has either the old or the new
// state.
func (s *state) save(path string) error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	if err := smallfile.Replace(path, ".tmp", append(content, '\n')); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

// positions returns the position at which each partition continues.
func (s *state) positions() map[string]eventhub.Position {
	positions := map[string]eventhub.Position{}
	for partition, last := range s.Partitions {
		positions[partition] = eventhub.Position{Sequence: last.Sequence, Offset: last.Offset, Enqueued: last.Enqueued}
	}
	return positions
}

// advance notes that a partition is done up to a position, and adds the counts.
func (s *state) advance(partition string, position eventhub.Position, counts Counts) {
	s.Partitions[partition] = done{Sequence: position.Sequence, Offset: position.Offset, Enqueued: position.Enqueued}
	s.Counts.add(counts)
}

// inText returns a time in the format of -from and -to.
func inText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
