package eventhub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// dirStore keeps checkpoints and dead letters as files of a folder that only one process uses:
// a lock on the file "lock" in it sees to that. Ownerships therefore need no record.
type dirStore struct {
	scope Scope
	root  string
	// lock is nil where the store is only looked at.
	lock *os.File
}

// fileCheckpoint is the layout of a checkpoint file. The names are those of the blob metadata.
type fileCheckpoint struct {
	Sequence int64  `json:"sequencenumber"`
	Offset   string `json:"offset"`
}

// openDirStore creates the folder if need be and locks it. It fails at once if another process
// holds the lock.
func openDirStore(root string, scope Scope) (*dirStore, error) {
	if err := os.MkdirAll(root, 0o750); err != nil {
		return nil, fmt.Errorf("create CHECKPOINTDIR: %w", err)
	}
	path := filepath.Join(root, "lock")
	lock, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // #nosec G304 -- the operator names the folder
	if err != nil {
		return nil, fmt.Errorf("open the lock file of CHECKPOINTDIR: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another process uses CHECKPOINTDIR: it holds the lock on %s", path)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &dirStore{scope: scope, root: root, lock: lock}, nil
}

func (d *dirStore) ListOwnerships(context.Context) ([]Ownership, time.Time, error) {
	return nil, time.Now(), nil
}

func (d *dirStore) Claim(_ context.Context, ownership Ownership) (Ownership, error) {
	ownership.Renewed = time.Now()
	return ownership, nil
}

func (d *dirStore) ListCheckpoints(ctx context.Context) ([]Checkpoint, error) {
	found, err := d.FindCheckpoints(ctx)
	var checkpoints []Checkpoint
	for _, one := range found {
		checkpoints = append(checkpoints, one.Checkpoint)
	}
	return checkpoints, err
}

// FindCheckpoints finds the partitions' files.
func (d *dirStore) FindCheckpoints(context.Context) ([]FoundCheckpoint, error) {
	folder := d.path(checkpointFolder)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	var found []FoundCheckpoint
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) == temporary {
			continue
		}
		checkpoint, err := readCheckpoint(folder, entry.Name())
		if err != nil {
			return nil, err
		}
		found = append(found, FoundCheckpoint{Checkpoint: checkpoint, Place: filepath.Join(folder, entry.Name())})
	}
	return found, nil
}

// readCheckpoint reads a partition's file. Rubbish in it counts as "nothing read yet": what is
// read twice is a nuisance, what is skipped is lost.
func readCheckpoint(folder, partition string) (Checkpoint, error) {
	content, err := os.ReadFile(filepath.Join(folder, partition)) // #nosec G304 -- a name that was listed
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read checkpoint of partition %s: %w", partition, err)
	}
	stored := fileCheckpoint{Sequence: noSequence}
	if json.Unmarshal(content, &stored) != nil || stored.Sequence < 0 {
		stored = fileCheckpoint{Sequence: noSequence}
	}
	return Checkpoint{Partition: partition, Sequence: stored.Sequence, Offset: stored.Offset}, nil
}

func (d *dirStore) UpdateCheckpoint(_ context.Context, checkpoint Checkpoint) (Checkpoint, error) {
	content, err := json.Marshal(fileCheckpoint{Sequence: checkpoint.Sequence, Offset: checkpoint.Offset})
	if err != nil {
		return Checkpoint{}, fmt.Errorf("encode checkpoint: %w", err)
	}
	if err := writeDurably(d.path(checkpointFolder), checkpoint.Partition, content); err != nil {
		return Checkpoint{}, fmt.Errorf("update checkpoint of partition %s: %w", checkpoint.Partition, err)
	}
	return checkpoint, nil
}

// Close gives the folder up.
func (d *dirStore) Close() error {
	if d.lock == nil {
		return nil
	}
	return d.lock.Close()
}

func (d *dirStore) path(folder string) string {
	return filepath.Join(d.root, filepath.FromSlash(d.scope.path()+folder))
}

// temporary ends the name of a file that is being written.
const temporary = ".tmp"

// writeDurably replaces a file so that after a crash or a power cut either the old or the new
// content is there, whole.
func writeDurably(folder, name string, content []byte) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	path := filepath.Join(folder, name)
	if err := writeSynced(path+temporary, content); err != nil {
		return err
	}
	if err := os.Rename(path+temporary, path); err != nil {
		return err
	}
	return syncFolder(folder)
}

func writeSynced(path string, content []byte) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) // #nosec G304 -- under the operator's folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return file.Sync()
}

// syncFolder makes a rename in the folder last.
func syncFolder(folder string) (err error) {
	dir, err := os.Open(folder) // #nosec G304 -- under the operator's folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	return dir.Sync()
}
