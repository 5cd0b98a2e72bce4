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

// Client is a Hub that can also tell whether its consumer group may be read. Both SDKs have one.
type Client interface {
	eventhub.Hub
	// ProbeGroup opens the partition after the sequence number after, as a reader without an epoch, until an event
	// came or ctx has ended: both return nil. Such a reader displaces no other one. If a reader with an epoch has the
	// partition, as the daemon's readers have, the service refuses the link, and ProbeGroup returns ErrPartitionInUse.
	// Reading removes nothing from an event hub.
	//
	// It returns the events that it received, at most count; azure-event-hubs-go returns none.
	ProbeGroup(ctx context.Context, partition string, after int64, count int) ([]eventhub.Event, error)
}

// New returns the client of the event hub that the configuration names, on the SDK that it chooses. The service shows
// readerID to a reader that this one displaces, except with the legacy client, which cannot send it. New does not
// connect yet.
func New(cfg forwarder.Config, readerID string) (Client, error) {
	tokens, err := tokensFor(cfg)
	if err != nil {
		return nil, err
	}
	return newHub(cfg, readerID, tokens)
}

// NewBeside is New for a client whose Receive reads without an epoch, beside the readers of the daemon: it displaces no
// reader. If a reader with an epoch has the partition in the consumer group, or takes it, Receive returns
// ErrPartitionInUse.
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

// tokensFor returns the source of the tokens that the configuration wants, or nil for a key or signature.
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

// ownerEpoch returns the epoch of a reader that owns a partition. With the lowest one, the link of a new owner
// displaces the link of the previous one, as in Azure's own processors. So a partition never has two readers.
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

// hubConnectionString writes the parts of the connection string again as both SDKs accept them: without a semicolon at
// the end, on which the parser of one fails, and without an EntityPath, on which the other one fails unless it is the
// hub's name in the same letters.
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

// ErrPartitionInUse says to a reader without an epoch that the consumer group exists, and that other readers keep it
// from the partition.
var ErrPartitionInUse = errors.New("another reader has the partition")

// probeResult interprets the error with which a probe of the partition ended.
func probeResult(ctx context.Context, partition string, err error) error {
	switch {
	case err == nil, ctx.Err() != nil, strings.Contains(err.Error(), unreadable):
		return nil //nolint:nilerr // the link was opened, or not refused within the time
	case otherReader(err):
		return ErrPartitionInUse
	}
	return fmt.Errorf("open partition %s: %w", partition, err)
}

// otherReader tells whether err means that other readers block the link: a reader with an epoch, or five readers
// without one, which is as many as a group may have (https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas).
// It looks at the text, because the new SDK gives a refused link no code.
func otherReader(err error) bool {
	if displaced(err) || errors.Is(err, eventhub.ErrDisplaced) {
		return true
	}
	text := err.Error()
	return strings.Contains(text, "amqp:link:stolen") || strings.Contains(text, "number of allowed receivers")
}
