package unpack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"aks-audit-log-go/eventhub/unpack/cluster"
	"aks-audit-log-go/internal/eventhubtest"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"
)

// realEvents returns the audit events of real clusters beside this repository, by file and number.
func realEvents(t *testing.T) map[string]string {
	t.Helper()
	events, samples := map[string]string{}, eventhubtest.Samples(t, "*_*.json")
	maps.Copy(samples, eventhubtest.Samples(t, "apiserver-audit.jsonl"))
	for name, content := range samples {
		for line := range bytes.Lines(content) {
			event := bytes.TrimSpace(line)
			// A test cuts an event at each of its bytes: one of 16 KiB takes minutes. Other tests have those that are
			// too deep for Falco, and those without a user name.
			if len(event) < 4<<10 && depth(event) < 100 && bytes.Contains(event, []byte(`"username"`)) {
				events[fmt.Sprintf("%s %d", name, len(events))] = string(event)
			}
		}
	}
	for i, record := range testUnpacker().unpackBody(realHubEvent(t)) {
		events[fmt.Sprintf("record %d", i)] = string(record.Content)
	}
	return events
}

// fact is a scalar of a JSON text, or the start of an object or array.
type fact struct {
	path  string
	value any
	sure  int // the shortest length of a cut text that certainly holds the whole value
}

// factsOf returns the facts of a JSON text in order, each with the path from the outermost value. It uses another
// reader than the one under test.
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
			sure++ // another digit might follow
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
			facts, whole := factsOf(t, []byte(event)), valuesOf(t, []byte(event))
			u, held, last := testUnpacker(), map[string]any{}, []byte(nil)
			for length := range len(event) {
				more := false
				for len(facts) > 0 && facts[0].sure <= length {
					held[facts[0].path], facts, more = facts[0].value, facts[1:], true
				}
				got, reason := u.parser.auditEvent([]byte(event[:length]), recordTime, cluster.Tag{})
				switch {
				case held["/auditID"] == nil || held["/verb"] == nil || held["/user/username"] == nil:
					require.NotEmpty(t, reason, "cut at %d", length)
					continue
				case more || last == nil:
					requireFalcoAccepts(t, got.Content)
					require.Equal(t, repaired(held, whole), valuesOf(t, got.Content), "cut at %d", length)
					last = got.Content
				}
				require.Empty(t, reason, "cut at %d", length)
				require.Equal(t, string(last), string(got.Content), "cut at %d, where no value ends", length)
			}
			require.NotNil(t, last, "no cut was repaired")
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

// repaired adds the facts that repair has to add to those before the cut.
func repaired(held, whole map[string]any) map[string]any {
	held = maps.Clone(held)
	held["/kind"] = "Event"
	if held["/stageTimestamp"] == nil {
		held["/stageTimestamp"] = recordTime
		if received := held["/requestReceivedTimestamp"]; received != nil {
			held["/stageTimestamp"] = received
		}
	}
	var rebuilt []string
	if addReference(held, whole) {
		rebuilt = append(rebuilt, "objectRef")
	}
	const decision = "/annotations/authorization.k8s.io/decision"
	if code := fmt.Sprint(held["/responseStatus/code"]); held[decision] == nil && (code[0] == '2' || code == "101") {
		held[decision] = whole[decision]
		rebuilt = append(rebuilt, "authorization.k8s.io/decision")
	}
	held["/annotations"] = json.Delim('{')
	held["/annotations/audit.k8s.io/truncated"] = "true"
	if rebuilt != nil {
		held["/annotations/aks-audit-log-go/rebuilt"] = strings.Join(rebuilt, ",")
	}
	return held
}

// addReference adds the members of the event's own objectRef that the cut took, if the path or the field selector of
// the request has them. It reports whether there were any.
func addReference(held, whole map[string]any) bool {
	uri, known := held["/requestURI"].(string)
	path, _, _ := strings.Cut(uri, "?")
	segments, added := strings.Split(path, "/"), false
	for key, value := range whole {
		text, _ := value.(string)
		told := slices.Contains(segments, text) || strings.Contains(uri, "fieldSelector=metadata.name%3D"+text)
		if known && strings.HasPrefix(key, "/objectRef/") && held[key] == nil && told {
			held["/objectRef"], held[key], added = json.Delim('{'), value, true
		}
	}
	return added
}

// requireFalcoAccepts checks an event like Falco's plugin: the plugin's parser has to accept it, and two fields must
// be there.
func requireFalcoAccepts(t *testing.T, event []byte) {
	t.Helper()
	value, err := fastjson.ParseBytes(event)
	require.NoError(t, err)
	require.Equal(t, "Event", string(value.GetStringBytes("kind")))
	require.True(t, isTimestamp(string(value.GetStringBytes("stageTimestamp"))))
}
