package harness

import (
	"bytes"
	"io"
	"unsafe"

	"github.com/falcosecurity/plugin-sdk-go/pkg/sdk"
)

// eventWriters is a batch of events in Go memory, which the plugin fills. The SDK's own batch is in C memory, which
// only Falco can read.
type eventWriters []*eventWriter

var _ sdk.EventWriters = eventWriters(nil)

// newEventWriters returns a batch of the size that Falco uses.
func newEventWriters() eventWriters {
	batch := make(eventWriters, sdk.DefaultBatchSize)
	for i := range batch {
		batch[i] = &eventWriter{}
	}
	return batch
}

// Get implements sdk.EventWriters.
func (e eventWriters) Get(i int) sdk.EventWriter { return e[i] }

// Len implements sdk.EventWriters.
func (e eventWriters) Len() int { return len(e) }

// ArrayPtr implements sdk.EventWriters. Only Falco itself needs its value.
func (e eventWriters) ArrayPtr() unsafe.Pointer { return nil }

// Free implements sdk.EventWriters.
func (e eventWriters) Free() {}

// eventWriter is an event of a batch.
type eventWriter struct {
	data      bytes.Buffer
	timestamp uint64 // nanoseconds since 1970
}

// Writer empties the event, as the SDK requires, and returns the writer of its content.
func (e *eventWriter) Writer() io.Writer {
	e.data.Reset()
	return &e.data
}

// SetTimestamp implements sdk.EventWriter.
func (e *eventWriter) SetTimestamp(value uint64) { e.timestamp = value }
