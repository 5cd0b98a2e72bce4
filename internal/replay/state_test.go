package replay

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
)

func TestAStateIsReadAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	wanted := &state{Hub: "h", From: noon, To: noon.Add(time.Hour), Sink: "http://falco", Partitions: map[string]done{}}
	found, err := loadState(path, wanted)
	require.NoError(t, err)
	assert.Same(t, wanted, found, "there is no file")

	found.advance("3", eventhub.Position{Sequence: 7, Offset: "700", Enqueued: noon}, Counts{
		HubEvents: 8, Sent: 9, Unusable: map[string]int{"cut": 2}, RefusedEvents: []RefusedEvent{{Partition: "3", Answer: "400"}},
	})
	require.NoError(t, found.save(path))
	again, err := loadState(path, wanted)
	require.NoError(t, err)
	assert.Equal(t, found, again)
	assert.Equal(t, map[string]eventhub.Position{"3": {Sequence: 7, Offset: "700", Enqueued: noon}}, again.positions())
}

func TestTheStateOfAnotherReplayIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	mine := state{Hub: "h", From: noon, To: noon.Add(time.Hour), Sink: "http://falco"}
	require.NoError(t, mine.save(path))
	for text, change := range map[string]func(*state){
		"is of a replay of the hub h, not of g: go on with the configuration of that hub, or give another file for this replay": func(s *state) { s.Hub = "g" },
		"give -from 2026-01-31T12:00:00Z -to 2026-01-31T13:00:00Z to go on with it, or":                                         func(s *state) { s.From = s.From.Add(1) },
		"not -from 2026-01-31T12:00:00Z -to 2026-01-31T13:01:00Z: ":                                                             func(s *state) { s.To = s.To.Add(time.Minute) },
		"is of a replay to the sink http://falco, not to http://other: give -to-sink http://falco":                              func(s *state) { s.Sink = "http://other" },
	} {
		wanted := mine
		change(&wanted)
		_, err := loadState(path, &wanted)
		require.ErrorIs(t, err, ErrMisused)
		assert.ErrorContains(t, err, text)
	}
	for _, content := range []string{"", "{}", "[1]", `{"hub":7}`} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := loadState(path, &mine)
		require.ErrorIs(t, err, ErrMisused, content)
		assert.ErrorContains(t, err, "is no state of a replay", content)
	}
	_, err := loadState(filepath.Dir(path), &mine)
	require.ErrorIs(t, err, ErrMisused)
}

func TestTheCommandLineToGoOnWith(t *testing.T) {
	sink, err := url.Parse("https://user:secret@falco/k8s-audit?x=y")
	require.NoError(t, err)
	cfg := forwarder.Config{SinkURL: sink}
	r := &replay{
		options: Options{From: noon, To: noon.Add(time.Hour), Group: "$Default", SinkURL: sink.String(), StateFile: "it's"},
		state:   &state{Partitions: map[string]done{}},
	}
	assert.Equal(t, "aks-audit-log-go replay -from 2026-01-31T12:00:00Z -to 2026-01-31T13:00:00Z -group '$Default' -to-sink https://falco/k8s-audit "+
		`-state 'it'\''s' (with the user, password and query of -to-sink, which are not shown)`, r.goOn(cfg))
	var out strings.Builder
	require.NoError(t, r.report(&out, cfg, errors.New("no hub")))
	assert.Empty(t, out.String(), "nothing was done")

	r.options = Options{From: noon, To: noon.Add(time.Hour)}
	r.found = map[string]eventhub.PartitionInfo{"0": {Last: 100}, "1": {Last: 100}, "2": {Last: 20}, "3": {Last: 5, LastEnqueued: noon.Add(-time.Hour)}}
	r.state.Partitions = map[string]done{
		"0": {Sequence: 30, Enqueued: noon.Add(30 * time.Second)}, "1": {Sequence: 40, Enqueued: noon.Add(40 * time.Second)},
		"2": {Sequence: 20, Enqueued: noon.Add(20 * time.Second)}, // through
	}
	assert.Equal(t, "aks-audit-log-go replay -from 2026-01-31T12:00:30Z -to 2026-01-31T13:00:00Z", r.goOn(cfg))
	r.found["4"] = eventhub.PartitionInfo{Last: 5, LastEnqueued: noon.Add(time.Hour)}
	assert.Equal(t, noon, r.resumeAt(), "nothing of a partition was sent")
	r.found = nil
	assert.Equal(t, noon, r.resumeAt())
}
