package e2e

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

// hubLoad appends random hub events to a hub and enters them in a ledger. What it appends, in which
// order, follows from its random numbers alone.
type hubLoad struct {
	hub    *hubtest.Server
	ledger *ledger
	rng    *rand.Rand
	// odd is the share, 0 to 1, of records and of hub events that are not just sound.
	odd float64
	// records is the most records that a hub event has.
	records int
	// backlog is how many records may wait for their verdict before it pauses, 0 for any number:
	// without it a machine that is busy with other things might never be done.
	backlog int
	next    map[string]int // the number of each partition's next audit event
}

func newHubLoad(hub *hubtest.Server, l *ledger, rng *rand.Rand) *hubLoad {
	return &hubLoad{hub: hub, ledger: l, rng: rng, records: 8, backlog: 5000, next: map[string]int{}}
}

// run appends to a random partition every so often until stop is closed.
func (h *hubLoad) run(stop <-chan struct{}, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	partitions := h.hub.PartitionIDs()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			if h.backlog > 0 && h.ledger.behind() > h.backlog {
				continue
			}
			h.add(partitions[h.rng.IntN(len(partitions))])
		}
	}
}

// start runs the load in the background. The function that it answers ends it, and so does the
// end of the test.
func (h *hubLoad) start(t *testing.T, every time.Duration) (end func()) {
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
func (h *hubLoad) add(partition string) {
	if h.unusual(0.5) {
		h.addUnreadable(partition)
		return
	}
	var records []any
	var entries []ledgerEntry
	for range 1 + h.rng.IntN(h.records) {
		record, entry := h.record(partition)
		records, entries = append(records, record), append(entries, entry)
		if again, ok := inOtherCategory(record); ok && entry.fate == mustArrive && h.unusual(1) {
			// Where it stands the sink has the event, as a rule. It may come all the same.
			records, entries = append(records, again), append(entries, ledgerEntry{fate: passedOver, number: noNumber})
		}
	}
	h.append(partition, entries, h.message(records))
}

// addUnreadable appends a hub event that holds nothing, or nothing that can be read.
func (h *hubLoad) addUnreadable(partition string) {
	bodies := map[string]fate{"": passedOver, "this is not JSON": mustBeKept, `{"records":[{"category":"kube-au`: mustBeKept}
	body := pick(h.rng, []string{"", "this is not JSON", `{"records":[{"category":"kube-au`})
	h.append(partition, []ledgerEntry{{fate: bodies[body], number: noNumber}}, hubtest.Message{Body: [][]byte{[]byte(body)}})
}

// append enters the hub event in the ledger, and then appends it.
func (h *hubLoad) append(partition string, entries []ledgerEntry, message hubtest.Message) {
	want := h.ledger.append(partition, entries)
	if got := h.hub.AppendMessage(partition, message); got != want {
		h.ledger.wrong("the hub gave a hub event of partition %s the sequence number %d, not %d", partition, got, want)
	}
}

// message puts the records into one of the shapes in which they can come.
func (h *hubLoad) message(records []any) hubtest.Message {
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

// record draws a record and what has to become of it.
func (h *hubLoad) record(partition string) (any, ledgerEntry) {
	if h.unusual(0.7) {
		return recordOf("guard", klogLine), ledgerEntry{fate: passedOver, number: noNumber}
	}
	if h.unusual(0.5) {
		noLog := record{Category: "kube-audit", Properties: map[string]any{"pod": "kube-apiserver-0"}}
		return noLog, ledgerEntry{fate: mustBeKept, number: noNumber}
	}
	number := h.next[partition]
	h.next[partition]++
	event := auditEvent(partition, number)
	sound := ledgerEntry{fate: mustArrive, number: number}
	switch {
	case h.unusual(0.2):
		return recordOf("kube-audit", h.mutilated(event)), ledgerEntry{fate: mustBeKept, number: number}
	case h.unusual(0.3):
		return recordOf("kube-audit", h.overdone(event)), ledgerEntry{fate: eitherWay, number: number}
	case h.unusual(0.2): // sound, but the sink refuses it
		return recordOf("kube-audit", event), ledgerEntry{fate: mustBeKept, number: number}
	case h.unusual(0.2): // the log is an object, not a string
		odd := recordOf("kube-audit", "")
		odd.Properties["log"] = json.RawMessage(event)
		return odd, sound
	case h.unusual(0.2): // the properties are a string
		odd := map[string]any{"category": "kube-audit", "properties": string(mustMarshal(map[string]any{"log": event}))}
		return odd, sound
	default:
		return recordOf(pick(h.rng, []string{"kube-audit", "kube-audit-admin"}), event), sound
	}
}

// inOtherCategory is what AKS writes of an audit event where both audit categories are switched on.
func inOtherCategory(one any) (again any, ok bool) {
	r, ok := one.(record)
	if !ok || r.Category != "kube-audit" {
		return nil, false
	}
	r.Category = "kube-audit-admin"
	return r, true
}

// mutilated is an audit event that no use can be made of.
func (h *hubLoad) mutilated(event string) string {
	return pick(h.rng, []string{
		strings.Replace(event, `"verb":`, `"verb";`, 1),
		strings.Replace(event, `"stageTimestamp":`, `"then":`, 1),
		strings.Replace(event, `"kind":"Event"`, `"kind":"Pod"`, 1),
	})
}

// overdone is an audit event that AKS has cut, or one that is too large or too deep for Falco.
func (h *hubLoad) overdone(event string) string {
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

// unusual is true for that part of the odd ones.
func (h *hubLoad) unusual(part float64) bool { return h.odd > 0 && h.rng.Float64() < h.odd*part }

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// mustMarshal leaves <, > and & as they are, unlike json.Marshal.
func mustMarshal(v any) []byte {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("a test's own JSON: %v", err))
	}
	return bytes.TrimSuffix(encoded.Bytes(), []byte("\n"))
}

func zipped(body []byte) []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(body) // a buffer takes all
	_ = w.Close()
	return packed.Bytes()
}
