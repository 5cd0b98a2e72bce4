package eventhubtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"aks-audit-log-go/eventhub"
)

// memoryStore is a store whose clock and failures are the test's.
type Store struct {
	mu          sync.Mutex
	Now         func() time.Time
	versions    int
	Ownerships  map[string]eventhub.Ownership
	checkpoints map[string]eventhub.Checkpoint
	updates     int
	Letters     []eventhub.DeadLetter
	// failing is what every call returns while it is set.
	failing error
}

func NewStore() *Store {
	return &Store{Now: time.Now, Ownerships: map[string]eventhub.Ownership{}, checkpoints: map[string]eventhub.Checkpoint{}}
}

func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = err
}

func (s *Store) ListOwnerships(context.Context) ([]eventhub.Ownership, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var listed []eventhub.Ownership
	for _, ownership := range s.Ownerships {
		listed = append(listed, ownership)
	}
	return listed, s.Now(), s.failing
}

func (s *Store) Claim(_ context.Context, ownership eventhub.Ownership) (eventhub.Ownership, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing != nil {
		return eventhub.Ownership{}, s.failing
	}
	if s.Ownerships[ownership.Partition].Version != ownership.Version {
		return eventhub.Ownership{}, eventhub.ErrConflict
	}
	ownership.Version, ownership.Renewed = s.nextVersion(), s.Now()
	s.Ownerships[ownership.Partition] = ownership
	return ownership, nil
}

func (s *Store) nextVersion() string {
	s.versions++
	return fmt.Sprint("v", s.versions)
}

func (s *Store) ListCheckpoints(context.Context) ([]eventhub.Checkpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var listed []eventhub.Checkpoint
	for _, checkpoint := range s.checkpoints {
		listed = append(listed, checkpoint)
	}
	return listed, s.failing
}

func (s *Store) UpdateCheckpoint(_ context.Context, checkpoint eventhub.Checkpoint) (eventhub.Checkpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing != nil {
		return eventhub.Checkpoint{}, s.failing
	}
	if s.checkpoints[checkpoint.Partition].Version != checkpoint.Version {
		return eventhub.Checkpoint{}, eventhub.ErrConflict
	}
	checkpoint.Version = s.nextVersion()
	s.checkpoints[checkpoint.Partition] = checkpoint
	s.updates++
	return checkpoint, nil
}

// written counts the checkpoint writes so far.
func (s *Store) Written() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.updates
}

// move is another owner that writes a checkpoint.
func (s *Store) Move(partition string, sequence int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checkpoints[partition] = eventhub.Checkpoint{Partition: partition, Sequence: sequence, Version: s.nextVersion()}
}

func (s *Store) Checkpoint(partition string) (eventhub.Checkpoint, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	checkpoint, known := s.checkpoints[partition]
	return checkpoint, known
}

func (s *Store) Owner(partition string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Ownerships[partition].Owner
}

func (s *Store) StoreDeadLetter(_ context.Context, letter eventhub.DeadLetter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing == nil {
		letter.Content = slices.Clone(letter.Content)
		s.Letters = append(s.Letters, letter)
	}
	return s.failing
}

func (s *Store) Close() error { return nil }

// owners are who owns each partition.
func (s *Store) Owners() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	owners := map[string][]string{}
	for _, partition := range Ids(len(s.Ownerships)) {
		owner := s.Ownerships[partition].Owner
		owners[owner] = append(owners[owner], partition)
	}
	return owners
}

// giveTo has another reader own a partition, which it has renewed at that time.
func (s *Store) GiveTo(owner, partition string, renewed time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Ownerships[partition] = eventhub.Ownership{Partition: partition, Owner: owner, Renewed: renewed, Version: s.nextVersion()}
}
