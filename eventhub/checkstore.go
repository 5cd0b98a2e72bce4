package eventhub

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/forwarder"
)

// checkFolder is where the probes of the command check stand, below the scope. KEDA, the daemon and
// Azure's SDKs look into the folders beside it, and the retired SDK at the container's root.
const checkFolder = "check/"

// errUnconditional says that a write went through whose condition was not met.
var errUnconditional = errors.New("the storage does not heed conditions (If-Match), so two replicas could own one partition: " +
	"use a storage account of Azure's, without a cache before it")

// CheckCheckpoints finds out whether ownerships and checkpoints can be kept: in the container by a probe blob,
// which is deleted again, in CHECKPOINTDIR by a probe file. It makes no container and no folder.
func CheckCheckpoints(ctx context.Context, cfg forwarder.Config) (string, error) {
	if cfg.CheckpointDir != "" {
		return checkDir(cfg, checkpointFolder)
	}
	store, err := openBlobStore(cfg)
	if err != nil {
		return "", err
	}
	defer func() { _ = store.Close() }()
	if _, _, err := store.container.level(ctx, store.scope.path()+checkpointFolder); err != nil {
		return "", adviseStorage(cfg, fmt.Errorf("list the container %s: %w", cfg.BlobContainerName, err))
	}
	probe := store.scope.path() + checkFolder + readerID()
	if err := writeProbe(ctx, store.container, probe); err != nil {
		letGo(ctx, func(ctx context.Context) error { return store.container.remove(ctx, probe, azblob.ETagAny) })
		return "", adviseStorage(cfg, err)
	}
	said := fmt.Sprintf("container %s of %s can be listed and written to", cfg.BlobContainerName, cfg.Blob.ServiceURL)
	if err := store.container.remove(ctx, probe, azblob.ETagAny); err != nil {
		said += fmt.Sprintf("; the probe %s is still there", probe) // what that means, CheckDeadLetters says
	}
	return said, nil
}

// writeProbe writes a blob in the two ways in which checkpoints and ownerships are, and in a third which must be refused.
func writeProbe(ctx context.Context, container blobContainer, name string) error {
	content := func(text string) azblob.Metadata { return azblob.Metadata{metaOwner: text} }
	made, err := container.writeMetadata(ctx, name, content("made"), "")
	if err != nil {
		return fmt.Errorf("make the probe blob %s: %w", name, err)
	}
	if _, err = container.writeMetadata(ctx, name, content("changed"), made.etag); err != nil {
		return fmt.Errorf("change the probe blob %s: %w", name, err)
	}
	switch _, err = container.writeMetadata(ctx, name, content("late"), made.etag); {
	case err == nil:
		return errUnconditional
	case !errors.Is(err, ErrLostRace):
		return fmt.Errorf("change the probe blob %s too late: %w", name, err)
	}
	return nil
}

// CheckDeadLetters finds out whether what can never be delivered can be stored, read and deleted again.
func CheckDeadLetters(ctx context.Context, cfg forwarder.Config) (string, error) {
	if cfg.CheckpointDir != "" {
		return checkDir(cfg, deadLetterFolder)
	}
	store, err := openBlobStore(cfg)
	if err != nil {
		return "", err
	}
	defer func() { _ = store.Close() }()
	probe := store.scope.path() + checkFolder + readerID()
	if err := store.container.put(ctx, probe, strings.NewReader(probeContent), "application/json"); err != nil {
		return "", adviseStorage(cfg, fmt.Errorf("store the probe blob %s: %w", probe, err))
	}
	_, etag, readErr := store.container.get(ctx, probe, int64(len(probeContent)))
	if readErr != nil {
		etag, readErr = azblob.ETagAny, fmt.Errorf("read the probe blob %s: %w", probe, readErr)
	}
	if err := store.container.remove(ctx, probe, etag); err != nil {
		return "", adviseStorage(cfg, errors.Join(readErr, fmt.Errorf("they can be stored, but not deleted, as `deadletters replay` has to; "+
			"the probe blob %s is still there: %w", probe, err)))
	}
	if readErr != nil {
		return "", adviseStorage(cfg, readErr)
	}
	return "they can be stored, read and deleted, in the same container", nil
}

// probeContent is what a probe holds.
const probeContent = "{\"probe\":\"aks-audit-log-go check\"}\n"
