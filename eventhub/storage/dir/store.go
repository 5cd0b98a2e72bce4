package dir

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

	"aks-audit-log-go/eventhub"
)

// dirStore keeps checkpoints and dead letters as files of a folder that only one process uses:
// a lock on the file "lock" in it sees to that. Ownerships therefore need no record.
type Store struct {
	Scope eventhub.Scope
	Root  string
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
func Open(root string, scope eventhub.Scope) (*Store, error) {
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
	return &Store{Scope: scope, Root: root, lock: lock}, nil
}

func (d *Store) ListOwnerships(context.Context) ([]eventhub.Ownership, time.Time, error) {
	return nil, time.Now(), nil
}

func (d *Store) Claim(_ context.Context, ownership eventhub.Ownership) (eventhub.Ownership, error) {
	ownership.Renewed = time.Now()
	return ownership, nil
}

func (d *Store) ListCheckpoints(ctx context.Context) ([]eventhub.Checkpoint, error) {
	found, err := d.FindCheckpoints(ctx)
	var checkpoints []eventhub.Checkpoint
	for _, one := range found {
		checkpoints = append(checkpoints, one.Checkpoint)
	}
	return checkpoints, err
}

// FindCheckpoints finds the partitions' files.
func (d *Store) FindCheckpoints(context.Context) ([]eventhub.FoundCheckpoint, error) {
	folder := d.Path(eventhub.CheckpointFolder)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	var found []eventhub.FoundCheckpoint
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) == Temporary {
			continue
		}
		checkpoint, err := readCheckpoint(folder, entry.Name())
		if err != nil {
			return nil, err
		}
		found = append(found, eventhub.FoundCheckpoint{Checkpoint: checkpoint, Place: filepath.Join(folder, entry.Name())})
	}
	return found, nil
}

// readCheckpoint reads a partition's file. Rubbish in it counts as "nothing read yet": what is
// read twice is a nuisance, what is skipped is lost.
func readCheckpoint(folder, partition string) (eventhub.Checkpoint, error) {
	content, err := os.ReadFile(filepath.Join(folder, partition)) // #nosec G304 -- a name that was listed
	if err != nil {
		return eventhub.Checkpoint{}, fmt.Errorf("read checkpoint of partition %s: %w", partition, err)
	}
	stored := fileCheckpoint{Sequence: eventhub.NoSequence}
	if json.Unmarshal(content, &stored) != nil || stored.Sequence < 0 {
		stored = fileCheckpoint{Sequence: eventhub.NoSequence}
	}
	return eventhub.Checkpoint{Partition: partition, Sequence: stored.Sequence, Offset: stored.Offset}, nil
}

func (d *Store) UpdateCheckpoint(_ context.Context, checkpoint eventhub.Checkpoint) (eventhub.Checkpoint, error) {
	content, err := json.Marshal(fileCheckpoint{Sequence: checkpoint.Sequence, Offset: checkpoint.Offset})
	if err != nil {
		return eventhub.Checkpoint{}, fmt.Errorf("encode checkpoint: %w", err)
	}
	if err := writeDurably(d.Path(eventhub.CheckpointFolder), checkpoint.Partition, content); err != nil {
		return eventhub.Checkpoint{}, fmt.Errorf("update checkpoint of partition %s: %w", checkpoint.Partition, err)
	}
	return checkpoint, nil
}

// Close gives the folder up.
func (d *Store) Close() error {
	if d.lock == nil {
		return nil
	}
	return d.lock.Close()
}

func (d *Store) Path(folder string) string {
	return filepath.Join(d.Root, filepath.FromSlash(d.Scope.Path()+folder))
}

// temporary ends the name of a file that is being written.
const Temporary = ".tmp"

// writeDurably replaces a file so that after a crash or a power cut either the old or the new
// content is there, whole.
func writeDurably(folder, name string, content []byte) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	path := filepath.Join(folder, name)
	if err := WriteSynced(path+Temporary, content); err != nil {
		return err
	}
	if err := os.Rename(path+Temporary, path); err != nil {
		return err
	}
	return syncFolder(folder)
}

func WriteSynced(path string, content []byte) (err error) {
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

// openDirBeside opens the folder beside a daemon that may be using it: it makes no folder and takes no lock.
func OpenBeside(root string, scope eventhub.Scope) (*Store, error) {
	if _, err := os.ReadDir(root); err != nil {
		return nil, fmt.Errorf("open CHECKPOINTDIR: %w", err)
	}
	return &Store{Root: root, Scope: scope}, nil
}
