package eventhub

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"time"
)

// NewReaderID returns a name for this process as a reader: the host's name, which in Kubernetes is the pod's, and a
// random suffix that distinguishes a restarted process from the one before.
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
	// RequestTimeout bounds a management request to the service, unless half of WATCHDOGTIMEOUT is less.
	RequestTimeout = 30 * time.Second
	// CloseTimeout bounds closing a link: both SDKs wait long if its connection is dead.
	CloseTimeout = 3 * time.Second
)

// Hub is the part of an Event Hubs client that the consumer needs, whichever SDK implements it.
type Hub interface {
	// PartitionIDs returns the ids of the partitions of the event hub.
	PartitionIDs(ctx context.Context) ([]string, error)
	// PartitionInfo returns what the partition holds now.
	PartitionInfo(ctx context.Context, partition string) (PartitionInfo, error)
	// Receive hands the receiver the events of the partition after the position from, in order, one at a time, and none
	// twice. It reconnects by itself, and continues after the last event that it handed on. Where the partition no
	// longer holds the stream of that event (Position.OtherStream), it continues with the events that were enqueued
	// later. It returns nil after ctx has ended, and ErrDisplaced if another reader took the partition. Any other
	// error means that it cannot reconnect, and the caller may call it again. It does not return while the receiver
	// handles an event.
	Receive(ctx context.Context, partition string, from Position, receiver Receiver) error
	// Close ends the connections. Nothing may use the hub any more. It stops waiting for the service when ctx ends.
	Close(ctx context.Context) error
}

// Receiver is whom Receive hands the events of a partition.
type Receiver struct {
	// Handle takes one event. It may block as long as it needs: that is the backpressure. It must return when ctx ends,
	// and an event that it did not take by then counts as not handed on.
	Handle func(ctx context.Context, event Event)
	// Attached is called when the service has opened the partition for reading, perhaps more than once and from another
	// goroutine. It must return at once. It may be nil.
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
	// Body is the payload. It belongs to the receiver of the event.
	Body []byte
	// Sequence is the sequence number. Within a partition it grows by one with each event.
	Sequence int64
	// Offset is the service's own name of the same place. Treat it as opaque.
	Offset string
	// Enqueued is when the service accepted the event, zero if it does not say.
	Enqueued time.Time
	// Encoding is the content encoding that the producer set, such as gzip, "" for none.
	Encoding string
	// Unreadable is why the SDK could not read the event, "" if it could. Only the sequence number of such an event is
	// known.
	Unreadable string
}

// PartitionInfo is what the service says about a partition.
type PartitionInfo struct {
	// First is the sequence number of the oldest event that the service still holds. If it holds none, azeventhubs
	// returns the sequence number of the next event.
	First int64
	// Last is the sequence number of the newest event, NoSequence if there never was one.
	Last int64
	// LastOffset is the offset of the newest event.
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

// ErrDisplaced says that another reader has taken the partition over.
var ErrDisplaced = errors.New("another reader took the partition")

// MaxHubEventSize is the largest event that the service accepts, in bytes. An event that is requested may be as large.
const MaxHubEventSize = 1 << 20

// UnpackedShare returns how many of the bytes in flight (MAXBYTESINFLIGHT) are for unpacked hub events. The rest is
// for those that the hub's client prefetches.
func UnpackedShare(bytes int) int { return bytes / 4 }
