package eventhub

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"time"
)

// NewReaderID returns a name for this process as a reader: the host's name, which in Kubernetes is the pod's, and a random
// suffix that distinguishes a restarted process from the one before.
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
	// connectTimeout bounds connecting, authorisation and attaching together; requestTimeout a
	// question to the service, which half of WATCHDOGTIMEOUT does where that is less.
	ConnectTimeout = time.Minute
	RequestTimeout = 30 * time.Second
	// closeTimeout bounds the good-bye of a link: either SDK waits long for a dead connection's.
	CloseTimeout = 3 * time.Second
)

// Hub is the part of an Event Hubs client that the consumer needs. It stands between the
// consumer and whichever SDK does the talking.
type Hub interface {
	// PartitionIDs lists the partitions of the event hub.
	PartitionIDs(ctx context.Context) ([]string, error)
	// PartitionInfo tells what the partition holds at this moment.
	PartitionInfo(ctx context.Context, partition string) (PartitionInfo, error)
	// Receive hands the partition's events behind from to handle: in order, one at a time, none
	// twice. It reconnects by itself, going on behind the last event handed on. It returns nil
	// once ctx has ended, ErrDisplaced when another reader took the partition, and any other
	// error when the link is gone for good; the caller may then call it again. It does not
	// return while handle runs.
	Receive(ctx context.Context, partition string, from Position, handle Handler) error
	// Close ends the connections, once nothing uses the hub any more. It gives up on a good-bye
	// that takes longer than ctx.
	Close(ctx context.Context) error
}

// Handler takes one event. It may block for as long as it likes, which is the backpressure;
// when ctx ends it has to return, and an event that it did not take by then counts as not
// handed on.
type Handler func(ctx context.Context, event Event)

// Event is one event of a partition.
type Event struct {
	// Body is the payload. Whoever gets the event owns it.
	Body []byte
	// Sequence is its sequence number: within a partition they grow by one.
	Sequence int64
	// Offset is the service's own mark of the same place. Treat it as opaque.
	Offset string
	// Enqueued is when the service took the event in, zero where it does not say.
	Enqueued time.Time
	// Encoding is the content encoding that the producer gave, such as gzip; "" for none.
	Encoding string
	// Unreadable is why the SDK could not read the event, of which then nothing but its sequence
	// number is known; "" where it could.
	Unreadable string
}

// noSequence stands before every event: sequence numbers start at 0.
const NoSequence int64 = -1

// Position is a place between two events of a partition.
type Position struct {
	// Sequence is the sequence number of the last event that is not wanted any more;
	// noSequence where all are.
	Sequence int64
	// Offset is the offset of that event, "" where it is not known.
	Offset string
	// Since, where it is not zero, leaves out the events enqueued at or before it. It serves to
	// find the first event of a time; Offset wins over it.
	Since time.Time
}

// beginning is the position before the oldest event that the service still holds.
func Beginning() Position { return Position{Sequence: NoSequence} }

// PartitionInfo is what the service says of a partition.
type PartitionInfo struct {
	// First is the sequence number of the oldest event still held; where there is none, azeventhubs
	// gives that of the next one.
	First int64
	// Last is the sequence number of the newest event, noSequence while there never was one.
	Last int64
	// LastOffset is the offset of the newest event.
	LastOffset string
	// LastEnqueued is when the newest event came in.
	LastEnqueued time.Time
}

// ErrDisplaced says that another reader has taken the partition over.
var ErrDisplaced = errors.New("another reader took the partition")

// MaxHubEventSize is the largest event that the service accepts, in bytes. An event that is requested may be as large.
const MaxHubEventSize = 1 << 20

// unpackedShare is what is for unpacked events, of so many bytes in flight.
func UnpackedShare(bytes int) int { return bytes / 4 }
