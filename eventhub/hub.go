package eventhub

import (
	"context"
	"errors"
	"time"

	"aks-audit-log-go/forwarder"
)

const (
	// connectTimeout bounds connecting, authorisation and attaching together; requestTimeout a
	// question to the service, which half of WATCHDOGTIMEOUT does where that is less.
	connectTimeout = time.Minute
	requestTimeout = 30 * time.Second
	// closeTimeout bounds the good-bye of a link: either SDK waits long for a dead connection's.
	closeTimeout = 3 * time.Second
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

// NewHub returns the client that the configuration asks for, for the event hub that it names. It
// does not connect yet.
func NewHub(cfg forwarder.Config) (Hub, error) {
	if !cfg.HubConnection.Entra {
		return newHub(cfg, nil)
	}
	credential, err := newCredential()
	if err != nil {
		return nil, err
	}
	return newHub(cfg, newTokens(hubService, credential))
}

// newHub is NewHub with the tokens that the hub is given; nil where it takes a key.
func newHub(cfg forwarder.Config, tokens *tokens) (Hub, error) {
	if cfg.HubClient == forwarder.ClientAzureEventHubsGo {
		return newAzureEventHubsGo(cfg, tokens)
	}
	return newAzEventHubs(cfg, tokens)
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
const noSequence int64 = -1

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
func beginning() Position { return Position{Sequence: noSequence} }

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

// hubConnectionString writes the parts of the connection string again as the SDKs want them:
// without a semicolon at the end, on which one's parser fails, and without an EntityPath, on
// which the other's does, unless it is the hub's name in the same letters.
func hubConnectionString(cfg forwarder.Config) string {
	connection := cfg.HubConnection
	text := "Endpoint=sb://" + connection.Host + "/;"
	if connection.SAS != "" {
		text += "SharedAccessSignature=" + connection.SAS.Reveal()
	} else {
		text += "SharedAccessKeyName=" + connection.KeyName + ";SharedAccessKey=" + connection.Key.Reveal()
	}
	if connection.Emulator {
		text += ";UseDevelopmentEmulator=true"
	}
	return text
}
