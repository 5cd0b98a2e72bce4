package check

import (
	"context"
	"fmt"
	"os"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/advice"
	"aks-audit-log-go/eventhub/storage/blob"
	"aks-audit-log-go/eventhub/storage/dir"
	"aks-audit-log-go/forwarder"
)

// checkCheckpoints finds out whether ownerships and checkpoints can be stored, with a probe blob in the container or a
// probe file in CHECKPOINTDIR, which it deletes again. It creates no container and no folder.
func checkCheckpoints(ctx context.Context, cfg forwarder.Config) (string, error) {
	if cfg.CheckpointDir != "" {
		return checkFolder(cfg, eventhub.CheckpointFolder)
	}
	store, err := blob.Open(cfg)
	if err != nil {
		return "", err
	}
	defer func() { _ = store.Close() }()
	leftOver, err := store.ProbeMetadata(ctx, eventhub.NewReaderID())
	if err != nil {
		return "", advice.Storage(cfg, err)
	}
	result := fmt.Sprintf("container %s of %s can be listed and written to", cfg.BlobContainerName, cfg.Blob.ServiceURL)
	if leftOver != "" {
		result += fmt.Sprintf("; the probe %s is still there", leftOver) // checkDeadLetters says what that means
	}
	return result, nil
}

// checkDeadLetters finds out whether dead letters can be stored, read and deleted.
func checkDeadLetters(ctx context.Context, cfg forwarder.Config) (string, error) {
	if cfg.CheckpointDir != "" {
		return checkFolder(cfg, eventhub.DeadLetterFolder)
	}
	store, err := blob.Open(cfg)
	if err != nil {
		return "", err
	}
	defer func() { _ = store.Close() }()
	if err := store.ProbeContent(ctx, eventhub.NewReaderID()); err != nil {
		return "", advice.Storage(cfg, err)
	}
	return "they can be stored, read and deleted, in the same container", nil
}

// checkFolder finds out whether a folder of CHECKPOINTDIR can be written to.
func checkFolder(cfg forwarder.Config, folder string) (string, error) {
	existing, err := dir.Probe(cfg.CheckpointDir, eventhub.ScopeOf(cfg), folder, eventhub.NewReaderID())
	if err != nil {
		return "", fmt.Errorf("CHECKPOINTDIR %s cannot be written to: give it to user %d, who runs this, or mount a volume there (%w)",
			cfg.CheckpointDir, os.Getuid(), err)
	}
	return existing + " can be written to", nil
}
