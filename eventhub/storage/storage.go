package storage

import (
	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/storage/blob"
	"aks-audit-log-go/eventhub/storage/dir"
	"aks-audit-log-go/forwarder"
)

var (
	_ eventhub.Store   = (*blob.Store)(nil)
	_ eventhub.Store   = (*dir.Store)(nil)
	_ eventhub.Records = (*blob.Store)(nil)
	_ eventhub.Records = (*dir.Store)(nil)
)

// Open returns the store that the configuration names: files in CHECKPOINTDIR, or blobs in a container. The store
// creates a missing container if it may. Open succeeds even if the container cannot be reached: the consumer retries,
// and /readyz reports it.
func Open(cfg forwarder.Config) (eventhub.Store, error) {
	if cfg.CheckpointDir != "" {
		return dir.Open(cfg.CheckpointDir, eventhub.ScopeOf(cfg))
	}
	return blob.Open(cfg)
}

// OpenRecords returns the records of that store. It creates no folder and takes no lock, so it works while a daemon
// runs.
func OpenRecords(cfg forwarder.Config) (eventhub.Records, error) {
	if cfg.CheckpointDir == "" {
		return blob.Open(cfg)
	}
	return dir.OpenBeside(cfg.CheckpointDir, eventhub.ScopeOf(cfg))
}
