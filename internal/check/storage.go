package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/storage/blob"
	"aks-audit-log-go/eventhub/storage/dir"
	"aks-audit-log-go/forwarder"
)

// checkDir finds out whether a folder of CHECKPOINTDIR can be written to, or where it is not there yet the folder
// in which it will be made. It makes no folder and takes no lock, so that a daemon is not disturbed, and calls
// its file so that nobody takes it for a checkpoint or a dead letter.
func checkDir(cfg forwarder.Config, folder string) (string, error) {
	store := dir.Store{Root: cfg.CheckpointDir, Scope: eventhub.ScopeOf(cfg)}
	there, err := deepestFolder(store.Path(folder))
	if err != nil {
		return "", adviseDir(cfg, err)
	}
	probe := filepath.Join(there, "check-"+eventhub.ReaderID()+dir.Temporary)
	defer func() { _ = os.Remove(probe) }()
	if err := dir.WriteSynced(probe, []byte(probeContent)); err != nil {
		return "", adviseDir(cfg, err)
	}
	if err := os.Remove(probe); err != nil {
		return "", adviseDir(cfg, err)
	}
	return there + " can be written to", nil
}

// deepestFolder is the folder at path, or the nearest one above it that is there.
func deepestFolder(path string) (string, error) {
	for {
		switch _, err := os.Stat(path); {
		case err == nil:
			return path, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		path = filepath.Dir(path)
	}
}

func adviseDir(cfg forwarder.Config, err error) error {
	return fmt.Errorf("CHECKPOINTDIR %s cannot be written to: give it to user %d, who runs this, or mount a volume there (%w)", cfg.CheckpointDir, os.Getuid(), err)
}

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
		return checkDir(cfg, eventhub.CheckpointFolder)
	}
	store, err := blob.Open(cfg)
	if err != nil {
		return "", err
	}
	defer func() { _ = store.Close() }()
	if _, _, err := store.Container.Level(ctx, store.Scope.Path()+eventhub.CheckpointFolder); err != nil {
		return "", adviseStorage(cfg, fmt.Errorf("list the container %s: %w", cfg.BlobContainerName, err))
	}
	probe := store.Scope.Path() + checkFolder + eventhub.ReaderID()
	if err := writeProbe(ctx, store.Container, probe); err != nil {
		removal, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventhub.CloseTimeout)
		defer cancel()
		_ = store.Container.Remove(removal, probe, azblob.ETagAny)
		return "", adviseStorage(cfg, err)
	}
	said := fmt.Sprintf("container %s of %s can be listed and written to", cfg.BlobContainerName, cfg.Blob.ServiceURL)
	if err := store.Container.Remove(ctx, probe, azblob.ETagAny); err != nil {
		said += fmt.Sprintf("; the probe %s is still there", probe) // what that means, CheckDeadLetters says
	}
	return said, nil
}

// writeProbe writes a blob in the two ways in which checkpoints and ownerships are, and in a third which must be refused.
func writeProbe(ctx context.Context, container blob.Container, name string) error {
	content := func(text string) azblob.Metadata { return azblob.Metadata{blob.MetaOwner: text} }
	made, err := container.WriteMetadata(ctx, name, content("made"), "")
	if err != nil {
		return fmt.Errorf("make the probe blob %s: %w", name, err)
	}
	if _, err = container.WriteMetadata(ctx, name, content("changed"), made.Etag); err != nil {
		return fmt.Errorf("change the probe blob %s: %w", name, err)
	}
	switch _, err = container.WriteMetadata(ctx, name, content("late"), made.Etag); {
	case err == nil:
		return errUnconditional
	case !errors.Is(err, eventhub.ErrConflict):
		return fmt.Errorf("change the probe blob %s too late: %w", name, err)
	}
	return nil
}

// CheckDeadLetters finds out whether what can never be delivered can be stored, read and deleted again.
func CheckDeadLetters(ctx context.Context, cfg forwarder.Config) (string, error) {
	if cfg.CheckpointDir != "" {
		return checkDir(cfg, eventhub.DeadLetterFolder)
	}
	store, err := blob.Open(cfg)
	if err != nil {
		return "", err
	}
	defer func() { _ = store.Close() }()
	probe := store.Scope.Path() + checkFolder + eventhub.ReaderID()
	if err := store.Container.Put(ctx, probe, strings.NewReader(probeContent), "application/json"); err != nil {
		return "", adviseStorage(cfg, fmt.Errorf("store the probe blob %s: %w", probe, err))
	}
	_, etag, readErr := store.Container.Get(ctx, probe, int64(len(probeContent)))
	if readErr != nil {
		etag, readErr = azblob.ETagAny, fmt.Errorf("read the probe blob %s: %w", probe, readErr)
	}
	if err := store.Container.Remove(ctx, probe, etag); err != nil {
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
