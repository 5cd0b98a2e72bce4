package load

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func logsOf(t *testing.T, body []byte) []string {
	t.Helper()
	var all envelope
	require.NoError(t, json.Unmarshal(body, &all))
	var logs []string
	for _, r := range all.Records {
		logs = append(logs, r.Properties.Log)
	}
	return logs
}

func never(t *testing.T) func(time.Duration) {
	return func(time.Duration) { assert.Fail(t, "a wait was reported") }
}

func TestAHubEventHasTheSizeOfThoseThatAKSWrites(t *testing.T) {
	body := HubEvent(Records)
	logs := logsOf(t, body)
	require.Len(t, logs, Records)
	assert.InDelta(t, 33_339, len(body), 1_500, "as the public sample")
	assert.InDelta(t, 850, len(logs[0]), 80)
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
	logs := logsOf(t, HubEvent(3))
	for i := range logs {
		logs[i] = strings.TrimSuffix(logs[i], "\n")
	}
	assert.Equal(t, `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[`+strings.Join(logs, ",")+`]}`, string(EventList(3)))
}

func TestTheScanTellsHowLongEachStampedEventWasOnItsWay(t *testing.T) {
	appended := time.Unix(1_700_000_000, 123)
	logs := logsOf(t, NewStamped(3).At(appended))
	require.Len(t, logs, 3)
	for _, log := range logs {
		assert.True(t, json.Valid([]byte(log)))
	}
	var waits []time.Duration
	events := Scan([]byte("["+strings.Join(logs, ",")+"]"), appended.Add(7*time.Millisecond), func(d time.Duration) { waits = append(waits, d) })
	assert.Equal(t, 3, events)
	assert.Equal(t, []time.Duration{7 * time.Millisecond, 7 * time.Millisecond, 7 * time.Millisecond}, waits)
}

func TestAStampLeavesTheOnesMadeBeforeAlone(t *testing.T) {
	stamped := NewStamped(1)
	first := string(stamped.At(time.Unix(1_700_000_000, 0)))
	assert.Contains(t, first, "t1700000000000000000-")
	assert.Contains(t, string(stamped.At(time.Unix(1_800_000_000, 0))), "t1800000000000000000-")
	assert.Len(t, first, len(HubEvent(1)))
}

func TestTheScanOfACutBodyEndsInPeace(t *testing.T) {
	assert.Equal(t, 1, Scan([]byte(`{"auditID":"t17000`), time.Now(), never(t)))
	assert.Equal(t, 0, Scan(nil, time.Now(), never(t)))
}
