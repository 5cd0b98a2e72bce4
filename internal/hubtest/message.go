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

// Message is an event that is not, or not only, one data section. Of Body, Value and Sequence a sound
// message has one; with none of them it has no body at all. Values are of the types that package wire
// lists, or int, time.Time, []string.
type Message struct {
	// Body is the data sections; more than one is allowed.
	Body [][]byte
	// Value is the content of a value section; nil for none.
	Value any
	// Sequence is the content of a sequence section; nil for none.
	Sequence []any
	// Properties are the standard properties, content-encoding among them.
	Properties *wire.Properties
	// ApplicationProperties are the producer's own.
	ApplicationProperties map[string]any
	// PartitionKey is shown as x-opt-partition-key; "" for none.
	PartitionKey string
	// Enqueued is shown as the enqueued time, instead of now.
	Enqueued time.Time
	// Annotations replace the hub's own ones of the same name and add to them; nil leaves one out.
	Annotations map[string]any
}

// event is a message on its way into a partition: all but what the partition decides.
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

// annotate gives the annotations that readers see.
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

// encode gives the message as readers get it, in two parts, so that a body in one data section (every
// one but odd ones) is never copied.
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
