package load

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func recordsOf(t *testing.T, body []byte) []record {
	t.Helper()
	var all envelope
	require.NoError(t, json.Unmarshal(body, &all))
	return all.Records
}

func logsOf(t *testing.T, body []byte) []string {
	t.Helper()
	var logs []string
	for _, r := range recordsOf(t, body) {
		logs = append(logs, strings.TrimSuffix(r.Properties.Log, "\n"))
	}
	return logs
}

// auditIDs returns the audit IDs of all bodies, and fails if one is not valid or comes twice.
func auditIDs(t *testing.T, bodies [][]byte) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for _, body := range bodies {
		for _, log := range logsOf(t, body) {
			var event struct{ AuditID, Verb, RequestURI string }
			require.NoError(t, json.Unmarshal([]byte(log), &event))
			require.Len(t, event.AuditID, auditIDLength)
			require.False(t, ids[event.AuditID], "%s comes twice", event.AuditID)
			ids[event.AuditID] = true
		}
	}
	return ids
}

func never(t *testing.T) func(string, time.Duration) {
	return func(string, time.Duration) { assert.Fail(t, "a wait was reported") }
}

func TestHubEventsHaveTheSizeOfThoseThatAKSWrites(t *testing.T) {
	bodies := Shape{Records: Records}.Bodies()
	require.Len(t, bodies, Bodies)
	hubEvents, events, least, most := 0, 0, mostSize, 0
	for _, body := range bodies {
		hubEvents += len(body)
		for _, log := range logsOf(t, body) {
			events, least, most = events+len(log), min(least, len(log)), max(most, len(log))
		}
	}
	t.Logf("audit events: mean %d, %d to %d bytes; hub events: mean %d bytes", events/Bodies/Records, least, most, hubEvents/Bodies)
	assert.InDelta(t, 33_339, hubEvents/Bodies, 1_500, "as the public sample")
	assert.InDelta(t, 850, events/Bodies/Records, 30)
	assert.InDelta(t, 500, least, 80)
	assert.InDelta(t, 2000, most, 80)
}

func TestNoAuditEventOfABacklogIsLikeAnother(t *testing.T) {
	for _, shape := range []Shape{{Records: 1}, {Records: Records}} {
		assert.Len(t, auditIDs(t, shape.Bodies()), Bodies*shape.Records)
	}
	assert.Equal(t, Shape{Records: Records}.Bodies(), Shape{Records: Records}.Bodies(), "all calls return the same bytes")
}

func TestAHubTakesEachShape(t *testing.T) {
	const limit = 1 << 20 // of Event Hubs, for a hub event with its properties
	for _, shape := range []Shape{{Records: 500}, {Records: Records, Size: 16 << 10}} {
		for _, body := range shape.Bodies() {
			require.Less(t, len(body), limit-1000, "%+v", shape)
		}
	}
	for _, log := range logsOf(t, Shape{Records: Records, Size: 16 << 10}.Bodies()[0]) {
		assert.InDelta(t, 16<<10, len(log), 80)
	}
}

func TestEverySecondRecordOfAMixedHubEventIsNoAuditEvent(t *testing.T) {
	shape := Shape{Records: Records, Mixed: true}
	assert.Equal(t, 11, shape.AuditEvents())
	assert.Equal(t, Records, Shape{Records: Records}.AuditEvents())
	categories := map[string]int{}
	for n, r := range recordsOf(t, shape.Bodies()[1]) {
		categories[r.Category]++
		assert.Equal(t, n%2 == 0, r.Category == "kube-audit")
		assert.Equal(t, n%2 == 0, json.Valid([]byte(r.Properties.Log)))
		assert.NotContains(t, r.Properties.Log, "%!")
	}
	assert.Len(t, categories, 3)
}

func TestAnEventListIsJSONWithThatManyEvents(t *testing.T) {
	body := EventList(400)
	var list struct {
		Kind  string            `json:"kind"`
		Items []json.RawMessage `json:"items"`
	}
	require.NoError(t, json.Unmarshal(body, &list))
	assert.Equal(t, "EventList", list.Kind)
	assert.Len(t, list.Items, 400)
	assert.Equal(t, 400, Scan(body, time.Now(), never(t)))
}

func TestTheItemsOfAnEventListAreThoseOfTheHubEvents(t *testing.T) {
	bodies := Shape{Records: 3}.Bodies()
	logs := append(logsOf(t, bodies[0]), logsOf(t, bodies[1])...)
	assert.Equal(t, `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[`+strings.Join(logs, ",")+`]}`, string(EventList(6)))
}

func TestTheScanTellsHowLongEachStampedEventWasOnItsWay(t *testing.T) {
	appended := time.Unix(1_700_000_000, 123)
	body := NewStamped(3).At(appended)
	var waits []time.Duration
	var ids []string
	events := Scan([]byte("["+strings.Join(logsOf(t, body), ",")+"]"), appended.Add(7*time.Millisecond), func(id string, d time.Duration) {
		ids, waits = append(ids, id), append(waits, d)
	})
	assert.Equal(t, 3, events)
	assert.Equal(t, []time.Duration{7 * time.Millisecond, 7 * time.Millisecond, 7 * time.Millisecond}, waits)
	want := auditIDs(t, [][]byte{body})
	for _, id := range ids {
		assert.True(t, want[id], id)
	}
	assert.Len(t, ids, len(want))
}

func TestAStampLeavesTheOnesMadeBeforeAlone(t *testing.T) {
	stamped := NewStamped(1)
	first := string(stamped.At(time.Unix(1_700_000_000, 0)))
	assert.Contains(t, first, "t1700000000000000000-")
	assert.Contains(t, string(stamped.At(time.Unix(1_800_000_000, 0))), "t1800000000000000000-")
	assert.Contains(t, first, "t1700000000000000000-")
	assert.Len(t, first, len(Shape{Records: 1}.Bodies()[0]))
}

func TestTheScanOfACutBodyEndsInPeace(t *testing.T) {
	assert.Equal(t, 1, Scan([]byte(`{"auditID":"t17000`), time.Now(), never(t)))
	assert.Equal(t, 0, Scan(nil, time.Now(), never(t)))
}
