package eventhubtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/maruel/natural"

	"aks-audit-log-go/eventhub"
)

// Store is a store in memory.
type Store struct {
	// Now is the clock of the store.
	Now func() time.Time
	// DeadLetterTime is how long storing dead letters takes. DeadLetterGate, unless nil, lets one call pass for each
	// value that it receives, and all calls after it is closed. Set both before anything is stored.
	DeadLetterTime time.Duration
	DeadLetterGate chan struct{}

	mu          sync.Mutex
	versions    int
	ownerships  map[string]eventhub.Ownership
	checkpoints map[string]eventhub.Checkpoint
	partitions  []string
	deadLetters []eventhub.DeadLetter
	// objects is the number of calls that stored dead letters.
	objects int
	// checkpointWrites is the number of calls of UpdateCheckpoint that wrote a checkpoint.
	checkpointWrites int
	// failure, unless nil, is the error of every call. letterFailure, unless nil, is the error of StoreDeadLetters.
	failure, letterFailure error
}

// NewStore returns an empty store that uses the process's clock.
func NewStore() *Store {
	return &Store{
		Now: time.Now, ownerships: map[string]eventhub.Ownership{}, checkpoints: map[string]eventhub.Checkpoint{},
	}
}

// Fail makes all calls fail with err, until it is set to nil.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}

// FailDeadLetters makes StoreDeadLetters fail with err, until it is set to nil.
func (s *Store) FailDeadLetters(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letterFailure = err
}

// GiveTo makes another reader the owner of a partition. renewed is when that reader renewed the ownership.
func (s *Store) GiveTo(owner, partition string, renewed time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ownerships[partition] = eventhub.Ownership{
		Partition: partition, Owner: owner, Renewed: renewed, Version: s.nextVersion(),
	}
}

// MoveCheckpoint writes a checkpoint as another reader does.
func (s *Store) MoveCheckpoint(partition string, sequence int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checkpoints[partition] = eventhub.Checkpoint{Partition: partition, Sequence: sequence, Version: s.nextVersion()}
}

// Delete deletes the ownerships and the checkpoints of partitions.
func (s *Store) Delete(partitions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, partition := range partitions {
		delete(s.ownerships, partition)
		delete(s.checkpoints, partition)
	}
}

// DeleteCheckpoint deletes the checkpoint of a partition.
func (s *Store) DeleteCheckpoint(partition string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.checkpoints, partition)
}

// Owner returns the owner of a partition, or "" if it has none.
func (s *Store) Owner(partition string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ownerships[partition].Owner
}

// PartitionsByOwner returns the partitions of each owner.
func (s *Store) PartitionsByOwner() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	partitions := map[string][]string{}
	for _, partition := range slices.Sorted(maps.Keys(s.ownerships)) {
		owner := s.ownerships[partition].Owner
		partitions[owner] = append(partitions[owner], partition)
	}
	return partitions
}

// Checkpoint returns the checkpoint of a partition, and whether there is one.
func (s *Store) Checkpoint(partition string) (eventhub.Checkpoint, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	checkpoint, known := s.checkpoints[partition]
	return checkpoint, known
}

// CheckpointWrites returns how many checkpoints UpdateCheckpoint has written.
func (s *Store) CheckpointWrites() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.checkpointWrites
}

// DeadLetters returns the dead letters, sorted by name.
func (s *Store) DeadLetters() []eventhub.DeadLetter {
	s.mu.Lock()
	defer s.mu.Unlock()
	letters := slices.Clone(s.deadLetters)
	slices.SortStableFunc(letters, func(a, b eventhub.DeadLetter) int { return natural.Compare(a.Name(), b.Name()) })
	return letters
}

// DeadLetterObjects returns in how many objects the dead letters are stored.
func (s *Store) DeadLetterObjects() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects
}

// ListOwnerships implements eventhub.CheckpointStore.
func (s *Store) ListOwnerships(context.Context) ([]eventhub.Ownership, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.ownerships)), s.Now(), s.failure
}

// Claim implements eventhub.CheckpointStore.
func (s *Store) Claim(_ context.Context, ownership eventhub.Ownership) (eventhub.Ownership, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return eventhub.Ownership{}, s.failure
	}
	current, found := s.ownerships[ownership.Partition]
	if err := compare(current.Version, ownership.Version, found); err != nil {
		return eventhub.Ownership{}, err
	}
	ownership.Version, ownership.Renewed = s.nextVersion(), s.Now()
	s.ownerships[ownership.Partition] = ownership
	return ownership, nil
}

// ListCheckpoints implements eventhub.CheckpointStore.
func (s *Store) ListCheckpoints(context.Context) ([]eventhub.Checkpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.checkpoints)), s.failure
}

// UpdateCheckpoint implements eventhub.CheckpointStore.
func (s *Store) UpdateCheckpoint(_ context.Context, checkpoint eventhub.Checkpoint) (eventhub.Checkpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return eventhub.Checkpoint{}, s.failure
	}
	current, found := s.checkpoints[checkpoint.Partition]
	if err := compare(current.Version, checkpoint.Version, found); err != nil {
		return eventhub.Checkpoint{}, err
	}
	checkpoint.Version = s.nextVersion()
	s.checkpoints[checkpoint.Partition] = checkpoint
	s.checkpointWrites++
	return checkpoint, nil
}

// compare returns why a reader that has seen one version must not overwrite a record with another version.
func compare(current, seen string, found bool) error {
	switch {
	case current == seen:
		return nil
	case !found:
		return eventhub.ErrNotFound
	}
	return eventhub.ErrConflict
}

// RememberPartitions implements eventhub.CheckpointStore.
func (s *Store) RememberPartitions(_ context.Context, partitions []string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil && s.partitions == nil {
		s.partitions = slices.Clone(partitions)
	}
	return s.partitions, s.failure
}

// StoreDeadLetters implements eventhub.DeadLetterStore. If dead letters are stored again, it keeps both.
func (s *Store) StoreDeadLetters(ctx context.Context, letters []eventhub.DeadLetter) error {
	if err := s.passGate(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if failure := cmp.Or(s.failure, s.letterFailure); failure != nil {
		return failure
	}
	s.objects++
	for _, letter := range letters {
		letter.Content = slices.Clone(letter.Content)
		s.deadLetters = append(s.deadLetters, letter)
	}
	return nil
}

// passGate waits at the gate, and then for DeadLetterTime.
func (s *Store) passGate(ctx context.Context) error {
	if s.DeadLetterGate != nil {
		select {
		case <-s.DeadLetterGate:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	select {
	case <-time.After(s.DeadLetterTime):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close implements io.Closer.
func (s *Store) Close() error { return nil }

func (s *Store) nextVersion() string {
	s.versions++
	return "v" + strconv.Itoa(s.versions)
}
