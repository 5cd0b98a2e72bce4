package dir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/smallfile"
)

// temporary is the suffix of a file that is being written.
const temporary = ".tmp"

// writeDurably replaces a file. After a crash or a power cut, the file has either the whole old content or the whole
// new content.
func writeDurably(folder, name string, content []byte) error {
	if err := makeFolder(folder, smallfile.SyncFolder); err != nil {
		return err
	}
	return smallfile.Replace(filepath.Join(folder, name), temporary, content)
}

// making is held while folders are made and synced, so that no file is written into a folder that a power cut could
// still remove.
var making sync.Mutex

// makeFolder makes a folder and the missing folders above it. It syncs the parent of each new folder. Otherwise a
// power cut could remove the new folder with all files in it, even synced ones.
func makeFolder(folder string, sync func(string) error) error {
	making.Lock()
	defer making.Unlock()
	existing, err := deepestFolder(folder)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o750); err != nil { // even if it exists, because it may be a file
		return err
	}
	for made := filepath.Clean(folder); made != existing; {
		made = filepath.Dir(made)
		if err := sync(made); err != nil {
			return err
		}
	}
	return nil
}

// probeContent is the content of a probe file.
const probeContent = "{\"probe\":\"aks-audit-log-go check\"}\n"

// Probe checks whether a folder below the scope can be written to. If the folder does not exist yet, Probe checks the
// folder in which it will be created. It returns the folder that it checked. It creates no folder and takes no lock,
// so it does not disturb a daemon. Its file has the suffix of temporary files, so that no reader takes it for a
// checkpoint or a dead letter. name has to be unique.
func Probe(root string, scope eventhub.Scope, folder, name string) (string, error) {
	store := Store{root: root, scope: scope}
	existing, err := deepestFolder(store.path(folder))
	if err != nil {
		return "", err
	}
	probe := filepath.Join(existing, "check-"+name+temporary)
	defer func() { _ = os.Remove(probe) }()
	if err := smallfile.WriteSynced(probe, []byte(probeContent)); err != nil {
		return "", err
	}
	return existing, os.Remove(probe)
}

// deepestFolder returns path, or the nearest folder above it that exists.
func deepestFolder(path string) (string, error) {
	path = filepath.Clean(path)
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
