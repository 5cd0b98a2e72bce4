// Package forwarder holds what the parts of the daemon share: the configuration, read once
// from the environment, the audit event and its verdicts, the statistics, the health, and the
// HTTP server that shows both.
package forwarder

import (
	"net/url"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder/connstr"
)

// FailurePolicy is what becomes of an audit event whose retries are used up.
type FailurePolicy string

// The failure policies, as POSTFAILUREPOLICY has them.
const (
	// FailureHold keeps the event and goes on trying until the sink takes it. The default.
	FailureHold FailurePolicy = "hold"
	// FailureDrop counts an error and goes on with the next event, as the predecessors did.
	FailureDrop FailurePolicy = "drop"
)

// HubClient is the library that talks to the hub.
type HubClient string

// The hub clients, as EVENTHUBCLIENT has them.
const (
	// ClientAzEventHubs is github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2. The
	// default.
	ClientAzEventHubs HubClient = "azeventhubs"
	// ClientAzureEventHubsGo is github.com/Azure/azure-event-hubs-go/v3, retired since July 2023.
	ClientAzureEventHubsGo HubClient = "azure-event-hubs-go"
)

// HubTransport is how AMQP gets to the hub.
type HubTransport string

// The transports, as EVENTHUBTRANSPORT has them.
const (
	// TransportAMQP is AMQP over TLS, on port 5671. The default.
	TransportAMQP HubTransport = "amqp"
	// TransportWebSocket is AMQP over a WebSocket, on port 443 and, with azeventhubs, through
	// the proxy of HTTPS_PROXY.
	TransportWebSocket HubTransport = "websocket"
)

// StartKind says how a StartPosition is meant.
type StartKind int

// The kinds of start position. The zero value is the default.
const (
	// StartEarliest is the oldest event that the hub retains.
	StartEarliest StartKind = iota
	// StartLatest is the first event after the partition was first claimed.
	StartLatest
	// StartAtTime is the first event enqueued at or after a time.
	StartAtTime
)

// StartPosition is where reading starts in a partition that has no checkpoint.
type StartPosition struct {
	Kind StartKind
	// Time is set where Kind is StartAtTime.
	Time time.Time
}

// String returns the position as EVENTHUBSTARTPOSITION spells it.
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

// Config is the whole configuration, checked by Load. It prints without its secrets.
type Config struct {
	// HubConnection says where the Event Hubs namespace is and how to sign in there.
	HubConnection connstr.HubConnection
	// HubName is the event hub, as it was typed; the service does not mind its case.
	HubName string
	// ConsumerGroup is the hub's consumer group, by default "$Default".
	ConsumerGroup string
	// HubClient is the library that talks to the hub, by default ClientAzEventHubs.
	HubClient HubClient
	// HubTransport is how it gets there, by default TransportAMQP.
	HubTransport HubTransport
	// HubCAFile is a PEM file with authorities that may sign the hub's certificate, in addition
	// to the system's; empty, the default, is none.
	HubCAFile string
	// HubPrefetch is how many events a partition asks for ahead, 1 to 300; 0, the default, is as
	// many as MaxBytesInFlight allows.
	HubPrefetch int
	// StartPosition is where a partition without a checkpoint starts, by default at the earliest.
	StartPosition StartPosition

	// Blob says where the checkpoints are kept and how to sign in there; nil where CheckpointDir is
	// set.
	Blob *connstr.BlobConnection
	// BlobContainerName is the container in Blob; empty where CheckpointDir is set.
	BlobContainerName string
	// CheckpointDir is a local folder for the checkpoints, in place of Blob.
	CheckpointDir string
	// CheckpointInterval is the longest time between two checkpoints of a busy partition, by
	// default 5 s. It is above 0.
	CheckpointInterval time.Duration

	// ClusterName is whether each audit event gets the annotation cluster_name, by default false.
	ClusterName bool
	// Categories are the log categories whose records are audit events for the sink, as typed;
	// their case does not matter. By default "kube-audit" and "kube-audit-admin"; never empty.
	Categories []string

	// SinkURL is where audit events are posted. It may carry a user, a password and a query:
	// show SinkAddress instead.
	SinkURL *url.URL
	// SinkCAFile is a PEM file with authorities that may sign the sink's certificate, in addition
	// to the system's; empty, the default, is none.
	SinkCAFile string
	// SinkCertFile and SinkKeyFile are PEM files with the certificate that the sink is shown, and
	// its key; both are empty by default.
	SinkCertFile string
	SinkKeyFile  string
	// SinkToken is sent to the sink as a bearer token; empty, the default, is none.
	SinkToken connstr.Secret
	// SinkTokenFile is a file with such a token, in place of SinkToken.
	SinkTokenFile string
	// SinkMaxEventSize is the largest audit event that the sink takes, in bytes without white space
	// between tokens; by default 262144, Falco's maxEventSize. It is from 1024 to 12000000.
	SinkMaxEventSize int
	// PostBatchMaxEvents is how many audit events a POST holds at most, by default 400. 1 posts
	// each as it is, not in a list.
	PostBatchMaxEvents int
	// PostBatchMaxBytes is how many bytes the body of a POST has at most, by default 1 MiB. It is
	// from 1024 to 10485760. An event that is larger goes alone.
	PostBatchMaxBytes int
	// PostMaxRetries is how often a POST is repeated, by default 5. 0 means never.
	PostMaxRetries int
	// PostRetryDelay is how much longer each retry waits than the one before, by default 1 s.
	// It can be 0.
	PostRetryDelay time.Duration
	// PostTimeout bounds one POST, from dialling to the end of the answer; by default 60 s,
	// since Falco's webhook answers slowly when it is busy. It is above 0.
	PostTimeout time.Duration
	// FailurePolicy is what follows once the retries are used up, by default FailureHold.
	FailurePolicy FailurePolicy
	// RateLimit is the highest number of audit events a second; 0, the default, is unlimited.
	RateLimit float64
	// RateBurst is how many audit events may go at once under RateLimit, by default 50.
	// It is at least 1.
	RateBurst int
	// KeepAlive is whether connections to the sink are reused, by default true.
	KeepAlive bool
	// SinkReplay is whether what the sink accepted and has not settled is sent again when the
	// connection to it is lost, by default true.
	SinkReplay bool
	// SinkSettleTime is how long the sink has to live on before what it accepted counts as
	// settled, by default 5 s. 0 means at once.
	SinkSettleTime time.Duration

	// MaxBytesInFlight bounds the hub events between their arrival and their verdicts, over all
	// partitions, by default 64 MiB. It is at least 1 MiB.
	MaxBytesInFlight int
	// LogLevel is the least important level that is logged, by default info.
	LogLevel logrus.Level
	// LogFormat is "text" or "json"; empty, the default, is text on a terminal, else json.
	LogFormat string
	// StatsAddress is where the statistics server listens, by default ":9000".
	StatsAddress string
	// ShutdownTimeout bounds the whole shutdown, by default 25 s. It is above 0.
	ShutdownTimeout time.Duration
	// WatchdogTimeout is how long the consumer may get nowhere before it counts as wedged, by
	// default 5 min. 0 is for ever; else it is at least 1 s.
	WatchdogTimeout time.Duration

	// Warnings are settings that are legal but suspect, one sentence each, for the start log.
	Warnings []string
}
