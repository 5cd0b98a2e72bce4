// Package confirm tracks which of the requests that the sink accepted can no longer be lost with the sink.
package confirm
