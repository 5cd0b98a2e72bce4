package forwarder

import (
	"net/url"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder/connstr"
)

// FailurePolicy says what happens to an audit event whose retries are used up.
type FailurePolicy string

// The failure policies, spelled as in POSTFAILUREPOLICY.
const (
	// FailureHold keeps the event and posts it until the sink takes it. It is the default.
	FailureHold FailurePolicy = "hold"
	// FailureDrop counts an error and continues with the next event, as the predecessors did.
	FailureDrop FailurePolicy = "drop"
)

// BarrierMode is whether empty requests probe the sink's queue (SINKBARRIER).
type BarrierMode string

// The barrier modes, spelled as in SINKBARRIER.
const (
	// BarrierAuto sends barriers unless the sink refuses the first one. It is the default.
	BarrierAuto BarrierMode = "auto"
	// BarrierOn sends barriers, whatever the sink answers.
	BarrierOn BarrierMode = "on"
	// BarrierOff sends none.
	BarrierOff BarrierMode = "off"
)

// HubClient is the library that reads from the hub.
type HubClient string

// The hub clients, spelled as in EVENTHUBCLIENT.
const (
	// ClientAzEventHubs is github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2. It is the default.
	ClientAzEventHubs HubClient = "azeventhubs"
	// ClientAzureEventHubsGo is github.com/Azure/azure-event-hubs-go/v3, retired since July 2023.
	ClientAzureEventHubsGo HubClient = "azure-event-hubs-go"
)

// HubTransport is what carries AMQP to the hub.
type HubTransport string

// The transports, spelled as in EVENTHUBTRANSPORT.
const (
	// TransportAMQP is AMQP over TLS on port 5671. It is the default.
	TransportAMQP HubTransport = "amqp"
	// TransportWebSocket is AMQP over a WebSocket on port 443. With azeventhubs it uses the proxy of HTTPS_PROXY.
	TransportWebSocket HubTransport = "websocket"
)

// StartKind is the kind of a StartPosition.
type StartKind int

// The kinds of start position. The zero value is the default.
const (
	// StartEarliest starts at the oldest hub event that the hub retains.
	StartEarliest StartKind = iota
	// StartLatest starts at the first hub event after the partition was first claimed.
	StartLatest
	// StartAtTime starts at the first hub event enqueued at or after a time.
	StartAtTime
)

// StartPosition is where the daemon starts in a partition without a checkpoint.
type StartPosition struct {
	Kind StartKind
	// Time is set if Kind is StartAtTime.
	Time time.Time
}

// String returns the position, spelled as in EVENTHUBSTARTPOSITION.
func (p StartPosition) String() string {
	switch p.Kind {
	case StartLatest:
		return "latest"
	case StartAtTime:
		return p.Time.Format(time.RFC3339Nano)
	default:
		return "earliest"
	}
}

// Config is the whole configuration, checked by Load. Printed, it shows no secret.
type Config struct {
	// HubConnection is the address of the Event Hubs namespace and the way to sign in there.
	HubConnection connstr.HubConnection
	// HubName is the event hub as typed. The service ignores its case.
	HubName string
	// ConsumerGroup is the consumer group, by default "$Default".
	ConsumerGroup string
	// HubClient reads from the hub, by default ClientAzEventHubs.
	HubClient HubClient
	// HubTransport carries AMQP to the hub, by default TransportAMQP.
	HubTransport HubTransport
	// HubCAFile is a PEM file with authorities that may sign the hub's certificate, in addition to the system's. By
	// default it is empty: no file.
	HubCAFile string
	// HubPrefetch is how many hub events a partition requests in advance, from 1 to 300. 0, the default, means as many
	// as MaxBytesInFlight allows.
	HubPrefetch int
	// StartPosition is where a partition without a checkpoint starts, by default at the earliest hub event.
	StartPosition StartPosition

	// Blob is the address of the checkpoints and the way to sign in there. It is nil if CheckpointDir is set.
	Blob *connstr.BlobConnection
	// BlobContainerName is the container in Blob. It is empty if CheckpointDir is set.
	BlobContainerName string
	// CheckpointDir is a local folder for the checkpoints, in place of Blob.
	CheckpointDir string
	// CheckpointInterval is the longest time between two checkpoints of a busy partition. It is above 0, by default 5
	// s.
	CheckpointInterval time.Duration

	// ClusterName is whether each audit event gets the annotation cluster_name, by default false.
	ClusterName bool
	// Categories are the log categories of audit events for the sink, as typed. Their case does not matter. They are
	// never empty, and by default "kube-audit" and "kube-audit-admin".
	Categories []string

	// SinkURL is where audit events are posted. It can hold a user, a password and a query: show SinkAddress instead.
	SinkURL *url.URL
	// SinkCAFile is a PEM file with authorities that may sign the sink's certificate, in addition to the system's. By
	// default it is empty: no file.
	SinkCAFile string
	// SinkCertFile is a PEM file with the client certificate for the sink, by default empty.
	SinkCertFile string
	// SinkKeyFile is a PEM file with the key of SinkCertFile, by default empty.
	SinkKeyFile string
	// SinkToken is the bearer token for the sink. By default it is empty: no token.
	SinkToken connstr.Secret
	// SinkTokenFile is a file with that token, in place of SinkToken.
	SinkTokenFile string
	// SinkAgent is what a command adds to the user agent of its POSTs. Load leaves it empty.
	SinkAgent string
	// SinkMaxEventSize is the largest audit event that the sink takes, in bytes without white space between tokens,
	// from 1024 to 12000000. By default it is 262144, Falco's maxEventSize.
	SinkMaxEventSize int
	// PostBatchMaxEvents is the most audit events in a POST, by default 400. 1 posts each event alone, not in a list.
	PostBatchMaxEvents int
	// PostBatchMaxBytes is the largest body of a POST in bytes, from 1024 to 10485760, by default 1 MiB. A larger
	// event is posted alone.
	PostBatchMaxBytes int
	// PostMaxRetries is how often a POST is repeated, by default 5. 0 means never.
	PostMaxRetries int
	// PostRetryDelay is how much longer each retry waits than the one before, by default 1 s. It can be 0.
	PostRetryDelay time.Duration
	// PostTimeout bounds one POST, from dialling to the end of the answer. It is above 0, by default 60 s, because a
	// busy Falco answers slowly.
	PostTimeout time.Duration
	// FailurePolicy says what happens when the retries are used up, by default FailureHold.
	FailurePolicy FailurePolicy
	// RateLimit is the highest number of audit events per second. By default it is 0: unlimited.
	RateLimit float64
	// RateBurst is how many audit events may go at once under RateLimit. It is at least 1, by default 50.
	RateBurst int
	// KeepAlive is whether connections to the sink are reused, by default true.
	KeepAlive bool
	// SinkReplay is whether accepted but unconfirmed audit events are delivered again when the connection to the sink
	// is lost, by default true.
	SinkReplay bool
	// SinkSettleTime is how long the sink may take for the last audit events that have left its queue, by default 5 s.
	// 0 confirms audit events as soon as they are accepted.
	SinkSettleTime time.Duration
	// SinkBarrier is whether empty requests show what has left the sink's queue, by default BarrierAuto.
	SinkBarrier BarrierMode

	// MaxBytesInFlight bounds the hub events between their arrival and their verdicts, over all partitions. It is at
	// least 1 MiB, by default 64 MiB.
	MaxBytesInFlight int
	// LogLevel is the least important level that is logged, by default info.
	LogLevel logrus.Level
	// LogFormat is "text" or "json". Empty, the default, means text on a terminal and json elsewhere.
	LogFormat string
	// StatsAddress is where the statistics server listens, by default ":9000".
	StatsAddress string
	// StatsHosts are host names under which the status page is shown, in addition to IP addresses, localhost and the
	// names of the Kubernetes cluster. By default there are none.
	StatsHosts []string
	// RunbookURL is the address of the folder above docs/operations.md, without a slash at its end, by default empty.
	RunbookURL string
	// PprofAddress is where profiles are served, with a host. By default it is empty: nowhere.
	PprofAddress string
	// ShutdownTimeout bounds the whole shutdown. It is above 0, by default 25 s.
	ShutdownTimeout time.Duration
	// WatchdogTimeout is how long the consumer may make no progress before it counts as wedged. It is at least 1 s, by
	// default 5 min. 0 means forever.
	WatchdogTimeout time.Duration

	// Warnings are sentences about valid settings that are probably not intended, for the start log.
	Warnings []string
}
