package unpack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"
)

// realEvents are the audit events beside this repository, by file and number. The test is skipped
// where they are not there.
func realEvents(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "samples", "*_*.json"))
	require.NoError(t, err)
	if len(paths) == 0 {
		t.Skip("the samples of real audit events are not there")
	}
	events := map[string]string{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		for line := range bytes.Lines(content) {
			if event := bytes.TrimSpace(line); len(event) > 0 {
				events[fmt.Sprintf("%s %d", filepath.Base(path), len(events))] = string(event)
			}
		}
	}
	for i, record := range testUnpacker().unpackBody(realHubEvent(t)) {
		events[fmt.Sprintf("record %d", i)] = string(record.Content)
	}
	return events
}

// fact is a scalar of a JSON text, or that there is an object or array.
type fact struct {
	path  string
	value any
	sure  int // how long a text must be to hold it for certain
}

// factsOf reads a JSON text with another reader than the one that is tested, and names each value
// by its way from the outside. The facts come in the order of the text.
func factsOf(t *testing.T, text []byte) []fact {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var facts []fact
	var read func(path string)
	read = func(path string) {
		token, err := decoder.Token()
		require.NoError(t, err)
		sure := int(decoder.InputOffset())
		if _, number := token.(json.Number); number {
			sure++ // another digit might have followed
		}
		facts = append(facts, fact{path, token, sure})
		opening, nests := token.(json.Delim)
		for i := 0; nests && decoder.More(); i++ {
			step := fmt.Sprint(i)
			if opening == '{' {
				key, failed := decoder.Token()
				require.NoError(t, failed)
				step = key.(string)
			}
			read(path + "/" + step)
		}
		if nests {
			_, err = decoder.Token()
			require.NoError(t, err)
		}
	}
	read("")
	return facts
}

func TestARealEventThatIsCutAnywhereKeepsExactlyWhatStoodBeforeTheCut(t *testing.T) {
	for name, event := range realEvents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := factsOf(t, []byte(event))
			u, held, last := testUnpacker(), map[string]any{}, []byte(nil)
			for length := range len(event) {
				more := false
				for len(facts) > 0 && facts[0].sure <= length {
					held[facts[0].path], facts, more = facts[0].value, facts[1:], true
				}
				got, reason := u.parser.auditEvent([]byte(event[:length]), recordTime, clusterTag{})
				switch {
				case held["/auditID"] == nil || held["/verb"] == nil || held["/user/username"] == nil:
					require.NotEmpty(t, reason, "cut at %d", length)
					continue
				case more || last == nil:
					requireFalcoTakes(t, got.Content)
					require.Equal(t, mended(held), valuesOf(t, got.Content), "cut at %d", length)
					last = got.Content
				}
				require.Empty(t, reason, "cut at %d", length)
				require.Equal(t, string(last), string(got.Content), "cut at %d, where no value ends", length)
			}
			require.NotNil(t, last, "no cut was salvaged")
		})
	}
}

func valuesOf(t *testing.T, text []byte) map[string]any {
	t.Helper()
	values := map[string]any{}
	for _, fact := range factsOf(t, text) {
		values[fact.path] = fact.value
	}
	return values
}

// mended adds to what stood before the cut what has to be filled in.
func mended(held map[string]any) map[string]any {
	held = maps.Clone(held)
	held["/kind"] = "Event"
	held["/annotations"] = json.Delim('{')
	held["/annotations/audit.k8s.io/truncated"] = "true"
	if held["/stageTimestamp"] == nil {
		held["/stageTimestamp"] = recordTime
		if received := held["/requestReceivedTimestamp"]; received != nil {
			held["/stageTimestamp"] = received
		}
	}
	return held
}

// requireFalcoTakes checks what Falco's plugin does with an event: its parser, its two fields.
func requireFalcoTakes(t *testing.T, event []byte) {
	t.Helper()
	value, err := fastjson.ParseBytes(event)
	require.NoError(t, err)
	require.Equal(t, "Event", string(value.GetStringBytes("kind")))
	require.True(t, isTimestamp(string(value.GetStringBytes("stageTimestamp"))))
}
