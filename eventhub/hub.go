package eventhub

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"time"
)

// NewReaderID returns a name for this process as a reader: the host's name (in Kubernetes, the pod's) and a random
// suffix that distinguishes it after a restart.
func NewReaderID() string {
	suffix := make([]byte, 4)
	_, _ = rand.Read(suffix) // it never fails
	host, err := os.Hostname()
	if err != nil {
		host = "aks-audit-log-go"
	}
	return host + "-" + hex.EncodeToString(suffix)
}

const (
	// ConnectTimeout bounds connecting, authorisation and attaching together.
	ConnectTimeout = time.Minute
	// RequestTimeout bounds a management request, unless half of WATCHDOGTIMEOUT is less.
	RequestTimeout = 30 * time.Second
	// CloseTimeout bounds closing a link: both SDKs wait long if the connection is dead.
	CloseTimeout = 3 * time.Second
)

// Hub is the part of an Event Hubs client that the consumer needs.
type Hub interface {
	// PartitionIDs returns the ids of the partitions of the event hub.
	PartitionIDs(ctx context.Context) ([]string, error)
	// PartitionInfo returns what the partition holds now.
	PartitionInfo(ctx context.Context, partition string) (PartitionInfo, error)
	// Receive hands the events after from to the receiver: in order, one at a time, none twice. It reconnects by
	// itself and continues after the last event that it handed on. If the partition no longer holds the stream of that
	// event (Position.OtherStream), it continues with the events that were enqueued later. It returns nil after ctx
	// has ended, and ErrDisplaced if another reader took the partition. After any other error it cannot reconnect, and
	// may be called again. It does not return while the receiver handles an event.
	Receive(ctx context.Context, partition string, from Position, receiver Receiver) error
	// Close ends the connections. It stops waiting for the service when ctx ends. Nothing may use the hub any more.
	Close(ctx context.Context) error
}

// Receiver takes the events of a partition.
type Receiver struct {
	// Handle takes one event. It may block as long as it needs, which is the backpressure. It must return when ctx
	// ends; an event that it has not taken by then counts as not handed on.
	Handle func(ctx context.Context, event Event)
	// Attached is called when the service has opened the partition for reading, perhaps more than once and from
	// another goroutine. It must return at once. It may be nil.
	Attached func()
}

// NoteAttached calls Attached, if there is one.
func (r Receiver) NoteAttached() {
	if r.Attached != nil {
		r.Attached()
	}
}

// Event is one event of a partition.
type Event struct {
	// Body is the payload. It belongs to the receiver.
	Body []byte
	// Sequence is the sequence number. It grows by one with each event of a partition.
	Sequence int64
	// Offset is the service's opaque name of the same place.
	Offset string
	// Enqueued is when the service accepted the event, zero if unknown.
	Enqueued time.Time
	// Encoding is the content encoding that the producer set, such as gzip, or "".
	Encoding string
	// Unreadable is why the SDK could not read the event, or "". Such an event has only a sequence number.
	Unreadable string
}

// PartitionInfo is what the service says about a partition.
type PartitionInfo struct {
	// First is the sequence number of the oldest event that is left. If none is, azeventhubs returns that of the next
	// event.
	First int64
	// Last is the sequence number of the newest event, NoSequence if there never was one.
	Last       int64
	LastOffset string
	// LastEnqueued is when the service accepted the newest event.
	LastEnqueued time.Time
}

// Newest returns the position after the newest event.
func (i PartitionInfo) Newest() Position {
	newest := Position{Sequence: i.Last, Offset: i.LastOffset}
	if i.Last > NoSequence {
		newest.Enqueued = inMilliseconds(i.LastEnqueued)
	}
	return newest
}

// ErrDisplaced means that another reader has taken the partition.
var ErrDisplaced = errors.New("another reader took the partition")

// MaxHubEventSize is the size of the largest event that the service accepts, in bytes. A requested event may be as
// large.
const MaxHubEventSize = 1 << 20

// UnpackedShare returns how many of the bytes in flight (MAXBYTESINFLIGHT) are for unpacked hub events. The rest is
// for prefetched ones.
func UnpackedShare(bytes int) int { return bytes / 4 }
