package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/advice"
	"aks-audit-log-go/eventhub/storage/blob"
	"aks-audit-log-go/eventhub/storage/dir"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/variable"
)

// checkCheckpoints checks whether ownerships and checkpoints can be stored. It stores a probe blob in the container,
// or a probe file in CHECKPOINTDIR, and deletes it again. It creates neither the container nor the folder. If the
// container does not exist, it checks whether the daemon may create it.
func checkCheckpoints(ctx context.Context, cfg forwarder.Config) (string, error) {
	if cfg.CheckpointDir != "" {
		return checkFolder(cfg, eventhub.CheckpointFolder)
	}
	missing, leftOver, err := probe(ctx, cfg, func(store *blob.Store) (string, error) {
		return store.ProbeMetadata(ctx, eventhub.NewReaderID())
	})
	if err != nil {
		return "", err
	}
	result := fmt.Sprintf("container %s of %s can be listed and written to", cfg.BlobContainerName, cfg.Blob.ServiceURL)
	if missing {
		result = fmt.Sprintf("container %s of %s does not exist yet and will be made when the daemon starts (tried with a container of another name)",
			cfg.BlobContainerName, cfg.Blob.ServiceURL)
	}
	if leftOver != "" {
		result += fmt.Sprintf("; the probe %s is still there", leftOver) // checkDeadLetters says what to do
	}
	if end := cfg.Blob.SignatureEnds(); !end.IsZero() {
		result += "; its signature expires at " + end.Format(time.RFC3339)
	}
	return result, nil
}

// checkDeadLetters checks whether dead letters can be stored, read and deleted.
func checkDeadLetters(ctx context.Context, cfg forwarder.Config) (string, error) {
	if cfg.CheckpointDir != "" {
		return checkFolder(cfg, eventhub.DeadLetterFolder)
	}
	missing, leftOver, err := probe(ctx, cfg, func(store *blob.Store) (string, error) {
		return "", store.ProbeContent(ctx, eventhub.NewReaderID())
	})
	switch {
	case err != nil:
		return "", err
	case leftOver != "":
		return fmt.Sprintf("they can be stored, read and deleted; the probe %s is still there: delete it", leftOver), nil
	case missing:
		return "they can be stored, read and deleted, in the same container once it is made", nil
	}
	return "they can be stored, read and deleted, in the same container", nil
}

// probe calls try with the store. If the container does not exist, probe returns missing, and calls try with a
// container of another name, which it creates and deletes. leftOver is the name of a probe that could not be deleted.
func probe(ctx context.Context, cfg forwarder.Config, try func(*blob.Store) (leftOver string, err error)) (missing bool, leftOver string, err error) {
	store, err := blob.Open(cfg)
	if err != nil {
		return false, "", err
	}
	defer func() { _ = store.Close() }()
	leftOver, err = try(store)
	if errors.Is(err, blob.ErrNoContainer) {
		missing = true
		leftOver, err = store.Beside(ctx, func(beside *blob.Store) error {
			_, tryErr := try(beside) // a probe that is left over is deleted with its container
			return tryErr
		})
	}
	if err != nil {
		return missing, "", advice.Storage(cfg, err)
	}
	return missing, leftOver, nil
}

// checkCheckpointsOffline checks the folder of the checkpoints. Without one, it checks whether the signature for the
// storage has expired by this machine's clock.
func checkCheckpointsOffline(_ context.Context, cfg forwarder.Config) (string, error) {
	if cfg.CheckpointDir != "" {
		return checkFolder(cfg, eventhub.CheckpointFolder)
	}
	if err := notExpired(cfg.Blob.SignatureEnds(), variable.BlobConnection); err != nil {
		return "", err
	}
	return "", errNeedsNetwork
}

// checkDeadLettersOffline checks the folder of the dead letters.
func checkDeadLettersOffline(_ context.Context, cfg forwarder.Config) (string, error) {
	if cfg.CheckpointDir != "" {
		return checkFolder(cfg, eventhub.DeadLetterFolder)
	}
	return "", errNeedsNetwork
}

// checkFolder checks whether a folder of CHECKPOINTDIR can be written to.
func checkFolder(cfg forwarder.Config, folder string) (string, error) {
	existing, err := dir.Probe(cfg.CheckpointDir, eventhub.ScopeOf(cfg), folder, eventhub.NewReaderID())
	if err != nil {
		return "", fmt.Errorf("CHECKPOINTDIR %s cannot be written to: give it to user %d, who runs this, or mount a volume there (%w)",
			cfg.CheckpointDir, os.Getuid(), err)
	}
	return existing + " can be written to", nil
}
