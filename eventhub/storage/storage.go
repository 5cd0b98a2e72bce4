package storage

import (
	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/storage/blob"
	"aks-audit-log-go/eventhub/storage/dir"
	"aks-audit-log-go/forwarder"
)

var _ eventhub.Store = (*blob.Store)(nil)

var _ eventhub.Store = (*dir.Store)(nil)

var _ eventhub.Records = (*blob.Store)(nil)

var _ eventhub.Records = (*dir.Store)(nil)

// OpenStore returns the store that the configuration asks for: the files of CHECKPOINTDIR, or
// the blobs of a container, which is created where it is missing and may be. A container that
// cannot be reached is no error here: the consumer goes on trying, and says so in /readyz.
func Open(cfg forwarder.Config) (eventhub.Store, error) {
	if cfg.CheckpointDir != "" {
		return dir.Open(cfg.CheckpointDir, eventhub.ScopeOf(cfg))
	}
	return blob.Open(cfg)
}

// OpenRecords returns what OpenStore stores. It makes no folder, and takes no lock, so that it
// works while a daemon runs.
func OpenRecords(cfg forwarder.Config) (eventhub.Records, error) {
	if cfg.CheckpointDir == "" {
		return blob.Open(cfg)
	}
	return dir.OpenBeside(cfg.CheckpointDir, eventhub.ScopeOf(cfg))
}
