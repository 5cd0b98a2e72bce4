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
	"aks-audit-log-go/internal/smallfile"
)

// Store keeps checkpoints and dead letters as files in a folder. Only one process uses the folder: it holds a lock on
// the file "lock" there. So ownerships need not be stored.
type Store struct {
	scope eventhub.Scope
	root  string
	// lock is nil in a store that OpenBeside returned.
	lock *os.File
}

// written is the version of every checkpoint whose file exists. One value is enough, because only one process writes.
const written = "written"

// checkpointFile is the layout of a checkpoint file. The names are those of the blob metadata.
type checkpointFile struct {
	Sequence int64  `json:"sequencenumber"`
	Offset   string `json:"offset"`
	// Enqueued is in milliseconds since 1970, 0 if it is not known.
	Enqueued int64 `json:"enqueuedtimems,omitempty"`
}

// Open creates the folder if it does not exist, and locks it. It fails at once if another process holds the lock.
func Open(root string, scope eventhub.Scope) (*Store, error) {
	if err := makeFolder(root, smallfile.SyncFolder); err != nil {
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
	return &Store{scope: scope, root: root, lock: lock}, nil
}

// OpenBeside opens the folder beside a daemon that may be using it. It creates no folder and takes no lock.
func OpenBeside(root string, scope eventhub.Scope) (*Store, error) {
	if _, err := os.ReadDir(root); err != nil {
		return nil, fmt.Errorf("open CHECKPOINTDIR: %w", err)
	}
	return &Store{root: root, scope: scope}, nil
}

// ListOwnerships implements eventhub.CheckpointStore. There are none.
func (s *Store) ListOwnerships(context.Context) ([]eventhub.Ownership, time.Time, error) {
	return nil, time.Now(), nil
}

// Claim implements eventhub.CheckpointStore. It always succeeds.
func (s *Store) Claim(_ context.Context, ownership eventhub.Ownership) (eventhub.Ownership, error) {
	ownership.Renewed = time.Now()
	return ownership, nil
}

// ListCheckpoints implements eventhub.CheckpointStore.
func (s *Store) ListCheckpoints(ctx context.Context) ([]eventhub.Checkpoint, error) {
	found, err := s.FindCheckpoints(ctx)
	var checkpoints []eventhub.Checkpoint
	for _, one := range found {
		checkpoints = append(checkpoints, one.Checkpoint)
	}
	return checkpoints, err
}

// FindCheckpoints returns the checkpoint in the file of each partition.
func (s *Store) FindCheckpoints(context.Context) ([]eventhub.FoundCheckpoint, error) {
	folder := s.path(eventhub.CheckpointFolder)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	var found []eventhub.FoundCheckpoint
	for _, entry := range entries {
		if entry.IsDir() || filepath.Ext(entry.Name()) == temporary {
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

// readCheckpoint reads a partition's file. A file without a usable sequence number counts as "nothing read yet": it
// is better to read events twice than to skip and lose them.
func readCheckpoint(folder, partition string) (eventhub.Checkpoint, error) {
	content, err := os.ReadFile(filepath.Join(folder, partition)) // #nosec G304 -- a name that was listed
	if err != nil {
		return eventhub.Checkpoint{}, fmt.Errorf("read checkpoint of partition %s: %w", partition, err)
	}
	stored := checkpointFile{Sequence: eventhub.NoSequence}
	if json.Unmarshal(content, &stored) != nil || stored.Sequence < 0 {
		stored = checkpointFile{Sequence: eventhub.NoSequence}
	}
	checkpoint := eventhub.Checkpoint{Partition: partition, Sequence: stored.Sequence, Offset: stored.Offset, Version: written}
	if stored.Enqueued > 0 {
		checkpoint.Enqueued = time.UnixMilli(stored.Enqueued).UTC()
	}
	return checkpoint, nil
}

// UpdateCheckpoint implements eventhub.CheckpointStore.
func (s *Store) UpdateCheckpoint(_ context.Context, checkpoint eventhub.Checkpoint) (eventhub.Checkpoint, error) {
	file := checkpointFile{Sequence: checkpoint.Sequence, Offset: checkpoint.Offset}
	if !checkpoint.Enqueued.IsZero() {
		file.Enqueued = checkpoint.Enqueued.UnixMilli()
	}
	content, err := json.Marshal(file)
	if err != nil {
		return eventhub.Checkpoint{}, fmt.Errorf("encode checkpoint: %w", err)
	}
	folder := s.path(eventhub.CheckpointFolder)
	if _, missing := os.Stat(filepath.Join(folder, checkpoint.Partition)); errors.Is(missing, fs.ErrNotExist) && checkpoint.Version != "" {
		return eventhub.Checkpoint{}, fmt.Errorf("update checkpoint of partition %s: %w", checkpoint.Partition, eventhub.ErrNotFound)
	}
	if err := writeDurably(folder, checkpoint.Partition, content); err != nil {
		return eventhub.Checkpoint{}, fmt.Errorf("update checkpoint of partition %s: %w", checkpoint.Partition, err)
	}
	checkpoint.Version = written
	return checkpoint, nil
}

// path returns the path of a folder below the scope.
func (s *Store) path(folder string) string {
	return filepath.Join(s.root, filepath.FromSlash(s.scope.Path()+folder))
}

// Close releases the lock.
func (s *Store) Close() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}
