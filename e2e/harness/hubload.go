package harness

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"aks-audit-log-go/internal/hubtest"
	"aks-audit-log-go/internal/hubtest/wire"
)

// HubLoad appends random hub events to a hub, and tells an Oracle the expected outcomes. The hub events and their
// order depend only on the random numbers.
type HubLoad struct {
	hub    *hubtest.Server
	oracle *Oracle
	rng    *rand.Rand
	// OddShare is the share of records and hub events that are unusual, from 0 to 1.
	OddShare float64
	// Records is how many records a hub event has at most.
	Records int
	// backlog is the number of records without a verdict at which the load pauses, so that a busy machine can catch
	// up. 0 means never.
	backlog int
	Next    map[string]int // the number of each partition's next audit event
}

// NewHubLoad returns a load without unusual records.
func NewHubLoad(hub *hubtest.Server, o *Oracle, rng *rand.Rand) *HubLoad {
	return &HubLoad{hub: hub, oracle: o, rng: rng, Records: 8, backlog: 5000, Next: map[string]int{}}
}

// run appends to random partitions, at an interval, until stop is closed.
func (h *HubLoad) run(stop <-chan struct{}, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	partitions := h.hub.PartitionIDs()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			if h.backlog > 0 && h.oracle.Backlog() > h.backlog {
				continue
			}
			h.add(partitions[h.rng.IntN(len(partitions))])
		}
	}
}

// Start runs the load in the background until end is called or the test ends.
func (h *HubLoad) Start(t *testing.T, every time.Duration) (end func()) {
	t.Helper()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		h.run(stop, every)
	}()
	end = sync.OnceFunc(func() {
		close(stop)
		<-done
	})
	t.Cleanup(end)
	return end
}

// add appends one random hub event.
func (h *HubLoad) add(partition string) {
	if h.unusual(0.5) {
		h.addUnreadable(partition)
		return
	}
	var records []any
	var entries []wantedRecord
	for range 1 + h.rng.IntN(h.Records) {
		record, entry := h.record(partition)
		records, entries = append(records, record), append(entries, entry)
	}
	h.append(partition, entries, h.message(records))
}

// addUnreadable appends a hub event that is empty or cannot be parsed.
func (h *HubLoad) addUnreadable(partition string) {
	const broken = `{"records":[{"category":"kube-audit","prop`
	bodies := map[string]want{"": wantNeither, "this is not JSON": wantNeither, broken: wantDeadLetter}
	body := pick(h.rng, []string{"", "this is not JSON", broken})
	h.append(partition, []wantedRecord{{want: bodies[body], number: noNumber}}, hubtest.Message{Body: [][]byte{[]byte(body)}})
}

// append tells the Oracle the hub event, and then appends it.
func (h *HubLoad) append(partition string, entries []wantedRecord, message hubtest.Message) {
	want := h.oracle.Append(partition, entries)
	if got := h.hub.AppendMessage(partition, message); got != want {
		h.oracle.ReportError("the hub gave a hub event of partition %s the sequence number %d, not %d", partition, got, want)
	}
}

// message puts the records into one of the formats that the daemon accepts.
func (h *HubLoad) message(records []any) hubtest.Message {
	body := mustMarshal(map[string]any{"records": records})
	if !h.unusual(2) {
		return hubtest.Message{Body: [][]byte{body}}
	}
	switch h.rng.IntN(4) {
	case 0: // a bare array
		return hubtest.Message{Body: [][]byte{mustMarshal(records)}}
	case 1: // a single record
		if len(records) == 1 {
			return hubtest.Message{Body: [][]byte{mustMarshal(records[0])}}
		}
		return hubtest.Message{Body: [][]byte{body}}
	case 2: // several data sections
		cut := h.rng.IntN(len(body))
		return hubtest.Message{Body: [][]byte{body[:cut:cut], body[cut:]}}
	default:
		encoding := wire.Symbol("gzip")
		return hubtest.Message{Body: [][]byte{zipped(body)}, Properties: &wire.Properties{ContentEncoding: encoding}}
	}
}

// record returns a random record and its expected outcome.
func (h *HubLoad) record(partition string) (any, wantedRecord) {
	if h.unusual(0.7) {
		return RecordOf("guard", KlogLine), wantedRecord{want: wantNeither, number: noNumber}
	}
	if h.unusual(0.5) {
		noLog := Record{Category: "kube-audit", Properties: map[string]any{"pod": "kube-apiserver-0"}}
		return noLog, wantedRecord{want: wantDeadLetter, number: noNumber}
	}
	number := h.Next[partition]
	h.Next[partition]++
	event := AuditEvent(partition, number)
	sound := wantedRecord{want: wantDelivered, number: number}
	switch {
	case h.unusual(0.2):
		return RecordOf("kube-audit", h.unusable(event)), wantedRecord{want: wantDeadLetter, number: number}
	case h.unusual(0.3):
		return RecordOf("kube-audit", h.truncatedOrTooLarge(event)), wantedRecord{want: wantEither, number: number}
	case h.unusual(0.2): // valid, but the sink refuses it
		return RecordOf("kube-audit", event), wantedRecord{want: wantDeadLetter, number: number}
	case h.unusual(0.2): // the log is an object, not a string
		odd := RecordOf("kube-audit", "")
		odd.Properties["log"] = json.RawMessage(event)
		return odd, sound
	case h.unusual(0.2): // the properties are a string
		odd := map[string]any{"category": "kube-audit", "properties": string(mustMarshal(map[string]any{"log": event}))}
		return odd, sound
	default:
		return RecordOf(pick(h.rng, []string{"kube-audit", "kube-audit-admin"}), event), sound
	}
}

// unusable returns an audit event that can only become a dead letter.
func (h *HubLoad) unusable(event string) string {
	return pick(h.rng, []string{
		strings.Replace(event, `"verb":`, `"verb";`, 1),
		strings.Replace(event, `"stageTimestamp":`, `"then":`, 1),
		strings.Replace(event, `"kind":"Event"`, `"kind":"Pod"`, 1),
	})
}

// truncatedOrTooLarge returns an audit event that AKS has truncated, or one that is too large or too deeply nested for
// Falco.
func (h *HubLoad) truncatedOrTooLarge(event string) string {
	const tooLarge, tooDeep = 263_000, 400
	object := func(content string) string {
		return strings.Replace(event, `"annotations":`, `"requestObject":`+content+`,"annotations":`, 1)
	}
	switch n := h.rng.IntN(100); {
	case n < 70:
		return event[:1+h.rng.IntN(len(event)-1)]
	case n < 98:
		return object(strings.Repeat("[", tooDeep) + strings.Repeat("]", tooDeep))
	default:
		return object(`"` + strings.Repeat("x", tooLarge) + `"`)
	}
}

// unusual returns at random whether something is unusual. part is the part of OddShare that this kind has.
func (h *HubLoad) unusual(part float64) bool {
	return h.OddShare > 0 && h.rng.Float64() < h.OddShare*part
}

// pick returns one of the values at random.
func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// mustMarshal encodes JSON. Unlike json.Marshal, it does not escape <, > and &.
func mustMarshal(v any) []byte {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("a test's own JSON: %v", err))
	}
	return bytes.TrimSuffix(encoded.Bytes(), []byte("\n"))
}

// zipped compresses a body with gzip.
func zipped(body []byte) []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(body) // writing to a buffer never fails
	_ = w.Close()
	return packed.Bytes()
}
