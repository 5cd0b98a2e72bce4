package hubclient

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/azauth"
	"aks-audit-log-go/forwarder"
)

// Client is a Hub that can also check whether its consumer group may be read. There is one for each of the two SDKs.
type Client interface {
	eventhub.Hub
	// ProbeGroup opens the partition after the sequence number after, and waits until an event comes or ctx ends. In
	// both cases it returns no error. It reads without an epoch, so it displaces no other reader. If a reader with an
	// epoch has the partition, such as a daemon's, the service refuses the link, and ProbeGroup returns
	// ErrPartitionInUse. Reading removes nothing from an event hub.
	//
	// It returns the events that it received, at most count; azure-event-hubs-go returns none.
	ProbeGroup(ctx context.Context, partition string, after int64, count int) ([]eventhub.Event, error)
}

// New returns a client of the configured event hub, on the configured SDK. If this reader displaces another one, the
// service shows that reader readerID. The legacy client cannot send readerID. New does not connect yet.
func New(cfg forwarder.Config, readerID string) (Client, error) {
	tokens, err := tokensFor(cfg)
	if err != nil {
		return nil, err
	}
	return newHub(cfg, readerID, tokens)
}

// NewBeside is New for a client whose Receive reads without an epoch. It can read beside the readers of the daemon,
// because it displaces no reader. If a reader with an epoch in the consumer group has or takes the partition, Receive
// returns ErrPartitionInUse.
func NewBeside(cfg forwarder.Config, readerID string) (eventhub.Hub, error) {
	client, err := New(cfg, readerID)
	switch hub := client.(type) {
	case *azEventHubs:
		hub.epoch = nil
	case *legacyHub:
		hub.epoch = nil
	}
	return client, err
}

// tokensFor returns the source of tokens for the hub, or nil if a key or signature is configured.
func tokensFor(cfg forwarder.Config) (*azauth.TokenSource, error) {
	if !cfg.HubConnection.Entra {
		return nil, nil //nolint:nilnil // nil stands for a key or signature
	}
	credential, err := azauth.NewCredential()
	if err != nil {
		return nil, err
	}
	return azauth.NewTokenSource(azauth.HubResource, credential), nil
}

// ownerEpoch returns the epoch of a reader that owns a partition. It is the lowest one, as in Azure's own processors.
// A new owner's link displaces the previous owner's, so a partition never has two readers.
func ownerEpoch() *int64 { return new(int64) }

// newHub is New with the given tokens, or nil for a key or signature.
func newHub(cfg forwarder.Config, readerID string, tokens *azauth.TokenSource) (Client, error) {
	if cfg.HubClient == forwarder.ClientAzureEventHubsGo {
		return newLegacyHub(cfg, tokens)
	}
	return newAzEventHubs(cfg, readerID, tokens)
}

// PartitionInfos asks what each partition holds. It returns what it found out, and the errors of the partitions that
// are missing.
func PartitionInfos(ctx context.Context, hub eventhub.Hub) (map[string]eventhub.PartitionInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, eventhub.RequestTimeout)
	defer cancel()
	ids, err := hub.PartitionIDs(ctx)
	if err != nil {
		return nil, err
	}
	var failures error
	infos := map[string]eventhub.PartitionInfo{}
	for _, id := range ids {
		info, err := hub.PartitionInfo(ctx, id)
		if err != nil {
			failures = errors.Join(failures, err)
			continue
		}
		infos[id] = info
	}
	return infos, failures
}

// hubConnectionString builds a connection string that both SDKs accept. It has no semicolon at the end, because the
// parser of one SDK fails on it. It has no EntityPath, because the other SDK fails if that differs from the hub's
// name, even in case.
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

// managementTimeout bounds a management request. The watchdog has to leave time for a second attempt over a new
// connection, so it is at most half of WATCHDOGTIMEOUT.
func managementTimeout(cfg forwarder.Config) time.Duration {
	if cfg.WatchdogTimeout > 0 {
		return min(eventhub.RequestTimeout, cfg.WatchdogTimeout/2)
	}
	return eventhub.RequestTimeout
}

// ErrPartitionInUse says that other readers block a reader without an epoch from the partition. The consumer group
// exists.
var ErrPartitionInUse = errors.New("another reader has the partition")

// probeResult interprets the error with which a probe of the partition ended.
func probeResult(ctx context.Context, partition string, err error) error {
	switch {
	case err == nil, ctx.Err() != nil, strings.Contains(err.Error(), unreadable):
		return nil //nolint:nilerr // the link was opened, or not refused in time
	case otherReader(err):
		return ErrPartitionInUse
	}
	return fmt.Errorf("open partition %s: %w", partition, err)
}

// otherReader tells whether err means that other readers block the link: a reader with an epoch, or five readers
// without one, the most that a group may have (https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas). It
// searches the text, because the new SDK gives a refused link no code.
func otherReader(err error) bool {
	if displaced(err) || errors.Is(err, eventhub.ErrDisplaced) {
		return true
	}
	text := err.Error()
	return strings.Contains(text, "amqp:link:stolen") || strings.Contains(text, "number of allowed receivers")
}
