package e2e

import (
	"bytes"
	"io"
	"unsafe"

	"github.com/falcosecurity/plugin-sdk-go/pkg/sdk"
)

// eventWriters is a batch of events in Go memory for the plugin to fill. The SDK's own batch
// lies in C memory, laid out for Falco to read; this one can be read here.
type eventWriters []*eventWriter

var _ sdk.EventWriters = eventWriters(nil)

// newEventWriters makes a batch as large as the one that Falco hands to the plugin.
func newEventWriters() eventWriters {
	batch := make(eventWriters, sdk.DefaultBatchSize)
	for i := range batch {
		batch[i] = &eventWriter{}
	}
	return batch
}

func (e eventWriters) Get(i int) sdk.EventWriter { return e[i] }
func (e eventWriters) Len() int                  { return len(e) }
func (e eventWriters) ArrayPtr() unsafe.Pointer  { return nil } // Only Falco asks for it.
func (e eventWriters) Free()                     {}

// eventWriter is one event of the batch.
type eventWriter struct {
	data      bytes.Buffer
	timestamp uint64 // nanoseconds since 1970
}

// Writer starts the event anew, as the SDK demands.
func (e *eventWriter) Writer() io.Writer {
	e.data.Reset()
	return &e.data
}

func (e *eventWriter) SetTimestamp(value uint64) { e.timestamp = value }
