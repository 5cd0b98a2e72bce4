package unpack

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/internal/eventhubtest"
)

func TestAnAuditEventTellsWhenItWasWritten(t *testing.T) {
	staged := time.Date(2026, 1, 31, 12, 0, 0, 123456000, time.UTC)
	received := staged.Add(-time.Second)
	const stage, request = `"stageTimestamp":"2026-01-31T12:00:00.123456Z"`, `"requestReceivedTimestamp":"2026-01-31T11:59:59.123456Z"`
	for event, want := range map[string]time.Time{
		`{"kind":"Event",` + stage + `}`:                                      staged,
		`{` + request + `,` + stage + `,"annotations":{"a":"b"}}`:             staged,
		`{` + stage + `,` + request + `}`:                                     staged,
		`{` + request + `}`:                                                   received,
		` { "stageTimestamp" : "2026-01-31T13:00:00.123456+01:00" } `:         staged,
		`{"responseObject":{` + stage + `},` + request + `}`:                  received,
		`{"items":[{` + stage + `},"x"],"verb":"get"}`:                        {},
		`{"userAgent":"\"stageTimestamp\":\"2026-01-31T12:00:00.123456Z\""}`:  {},
		`{"userAgent":"stageTimestamp","verb":"2026-01-31T12:00:00.123456Z"}`: {},
		`{"stageTimestamp":"yesterday",` + request + `}`:                      {},
		`{"stageTimestamp":"",` + request + `}`:                               {},
		`{"stageTimestamp":1769860800,"verb":"2026-01-31T12:00:00Z"}`:         {},
		`{"stageTimestamp":{"at":"2026-01-31T12:00:00Z"}}`:                    {},
		`{"stageTimestamp":["2026-01-31T12:00:00Z"]}`:                         {},
		`{"kind":"Event"}`:                   {},
		`{"stageTimestamp":"2026-01-31T12:0`: {},
		`x`:                                  {},
		``:                                   {},
	} {
		assert.True(t, want.Equal(StagedAt([]byte(event))), "%s: %s", event, StagedAt([]byte(event)))
	}
}

func TestReadingWhenAnAuditEventWasWrittenAllocatesNothing(t *testing.T) {
	event := []byte(eventhubtest.Audit("a"))
	assert.Zero(t, testing.AllocsPerRun(100, func() { StagedAt(event) }))
}

// BenchmarkStagedAt reads the time of one audit event of BenchmarkUnpackReal's hub event, whose 22 audit events are at
// least one POST.
func BenchmarkStagedAt(b *testing.B) {
	records := testUnpacker().unpackBody(realHubEvent(b))
	at := 0
	b.ReportAllocs()
	for b.Loop() {
		if StagedAt(records[at%len(records)].Content).IsZero() {
			b.Fatal("no time")
		}
		at++
	}
}
