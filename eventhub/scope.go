package eventhub

import (
	"strings"

	"aks-audit-log-go/forwarder"
)

// Scope names the readers that share partitions: those of one consumer group of one event hub.
type Scope struct {
	// Namespace is the host name of the Event Hubs namespace, without a port.
	Namespace string
	// Hub is the name of the event hub.
	Hub string
	// ConsumerGroup is the name of the consumer group.
	ConsumerGroup string
}

// ScopeOf returns the scope that a configuration describes.
func ScopeOf(cfg forwarder.Config) Scope {
	return Scope{
		Namespace:     cfg.HubConnection.Namespace(),
		Hub:           cfg.HubName,
		ConsumerGroup: cfg.ConsumerGroup,
	}
}

// Path returns the folder of the scope in a store, with a slash at the end. It is in lower case, as the .NET,
// JavaScript and Python SDKs write it.
func (s Scope) Path() string {
	return strings.ToLower(s.Namespace + "/" + s.Hub + "/" + s.ConsumerGroup + "/")
}

// These are the folders below the path of a scope. The first two are the layout of Azure's own blob checkpoint stores
// (azeventhubs/v2 checkpoints/blob_store.go).
const (
	CheckpointFolder = "checkpoint/"
	OwnershipFolder  = "ownership/"
	DeadLetterFolder = "deadletter/"
)

// PartitionsRecord is the name below the path of a scope under which RememberPartitions stores the partitions. The SDKs
// and KEDA do not look there.
const PartitionsRecord = "partitions"
