package eventhub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aks-audit-log-go/forwarder"
)

// checkDir finds out whether a folder of CHECKPOINTDIR can be written to, or where it is not there yet the folder
// in which it will be made. It makes no folder and takes no lock, so that a daemon is not disturbed, and calls
// its file so that nobody takes it for a checkpoint or a dead letter.
func checkDir(cfg forwarder.Config, folder string) (string, error) {
	store := dirStore{root: cfg.CheckpointDir, scope: ScopeOf(cfg)}
	there, err := deepestFolder(store.path(folder))
	if err != nil {
		return "", adviseDir(cfg, err)
	}
	probe := filepath.Join(there, "check-"+readerID()+temporary)
	defer func() { _ = os.Remove(probe) }()
	if err := writeSynced(probe, []byte(probeContent)); err != nil {
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
