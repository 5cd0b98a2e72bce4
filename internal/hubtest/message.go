package hubtest

import (
	"slices"
	"time"

	"aks-audit-log-go/internal/hubtest/wire"
)

// Annotations that the hub puts on every event.
const (
	annotationSequence     = "x-opt-sequence-number"
	annotationOffset       = "x-opt-offset"
	annotationEnqueued     = "x-opt-enqueued-time"
	annotationPartitionKey = "x-opt-partition-key"
)

// Message is an event that is more than one data section, or something else. A valid message has exactly one of Body,
// Value and Sequence. A message with none of them has no body. Values are of the types that package wire lists, or
// int, time.Time or []string.
type Message struct {
	// Body is the data sections. It may have more than one.
	Body [][]byte
	// Value is the content of a value section, or nil for none.
	Value any
	// Sequence is the content of a sequence section, or nil for none.
	Sequence []any
	// Properties are the standard properties, for example content-encoding.
	Properties *wire.Properties
	// ApplicationProperties are the producer's own properties.
	ApplicationProperties map[string]any
	// PartitionKey becomes x-opt-partition-key, or "" for none.
	PartitionKey string
	// Enqueued replaces the time at which the event is enqueued.
	Enqueued time.Time
	// Annotations are added to the hub's own ones, and replace those of the same name. nil removes an annotation.
	Annotations map[string]any
}

// event is a message before the partition has given it a sequence number and an offset.
type event struct {
	message  wire.Message // Annotations are the producer's, without the hub's own
	enqueued time.Time    // zero for now
	override map[string]any
}

func (m Message) event() event {
	e := event{enqueued: m.Enqueued, override: m.Annotations}
	e.message.Properties = m.Properties
	e.message.Data = m.Body
	if m.Sequence != nil {
		e.message.Sequence = []wire.List{m.Sequence}
	}
	if m.Value != nil {
		e.message.Value, e.message.HasValue = m.Value, true
	}
	for _, name := range sortedKeys(m.ApplicationProperties) {
		p := wire.Pair{Key: name, Value: m.ApplicationProperties[name]}
		e.message.ApplicationProperties = append(e.message.ApplicationProperties, p)
	}
	if m.PartitionKey != "" {
		e.message.Annotations = wire.Map{{Key: wire.Symbol(annotationPartitionKey), Value: m.PartitionKey}}
	}
	return e
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// annotate returns the annotations that readers get.
func (e event) annotate(seq int64, offset string, enqueued wire.Timestamp) wire.Map {
	m := make(wire.Map, 0, 3+len(e.message.Annotations))
	m = append(m,
		wire.Pair{Key: wire.Symbol(annotationSequence), Value: seq},
		wire.Pair{Key: wire.Symbol(annotationOffset), Value: offset},
		wire.Pair{Key: wire.Symbol(annotationEnqueued), Value: enqueued})
	m = append(m, e.message.Annotations...)
	for _, name := range sortedKeys(e.override) {
		m = slices.DeleteFunc(m, func(p wire.Pair) bool { return p.Key == wire.Symbol(name) })
		if v := e.override[name]; v != nil {
			m = append(m, wire.Pair{Key: wire.Symbol(name), Value: v})
		}
	}
	return m
}

// encode encodes the message for readers, in two parts. A body of one data section, which is the usual case, is never
// copied.
func (e event) encode(annotations wire.Map) (head, body []byte, err error) {
	m := e.message
	m.Annotations = annotations
	if len(m.Data) != 1 || len(m.Sequence) != 0 || m.HasValue || len(m.Footer) != 0 {
		head, err = wire.AppendMessage(nil, &m)
		return head, nil, err
	}
	head, err = wire.AppendMessageHead(make([]byte, 0, 128), &m)
	if err != nil {
		return nil, nil, err
	}
	return wire.AppendDataHeader(head, len(m.Data[0])), m.Data[0], nil
}
