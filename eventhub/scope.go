package eventhub

import (
	"strings"

	"aks-audit-log-go/forwarder"
)

// Scope names the readers that share partitions: those of one consumer group of one event hub.
type Scope struct {
	// Namespace is the host name of the Event Hubs namespace, without a port.
	Namespace     string
	Hub           string
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

// Path returns the folder of the scope in a store, with a slash at the end. It is in lower case, as in the .NET,
// JavaScript and Python SDKs.
func (s Scope) Path() string {
	return strings.ToLower(s.Namespace + "/" + s.Hub + "/" + s.ConsumerGroup + "/")
}

// The folders below the path of a scope. The first two are the layout of Azure's own blob checkpoint stores
// (azeventhubs/v2 checkpoints/blob_store.go).
const (
	CheckpointFolder = "checkpoint/"
	OwnershipFolder  = "ownership/"
	DeadLetterFolder = "deadletter/"
)

// PartitionsRecord is where RememberPartitions stores the partitions, below the path of a scope. The SDKs and KEDA do
// not look there.
const PartitionsRecord = "partitions"
