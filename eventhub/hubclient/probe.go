package hubclient

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"aks-audit-log-go/eventhub"
)

// ErrPartitionInUse says that the consumer group exists, and that another reader has the partition.
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
