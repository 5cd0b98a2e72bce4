package eventhub

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// muteStore does what it is asked, and from the second claim on, until it is told to stop, its
// answers to claims are lost.
type muteStore struct {
	*memoryStore
	claims int
	speaks bool
}

func (s *muteStore) Claim(ctx context.Context, ownership Ownership) (Ownership, error) {
	claimed, err := s.memoryStore.Claim(ctx, ownership)
	if s.claims++; err == nil && s.claims > 1 && !s.speaks {
		return Ownership{}, errors.New("the answer was lost")
	}
	return claimed, err
}

func TestAPartitionIsGivenUpThoughTheAnswerToItsLastRenewalWasLost(t *testing.T) {
	for name, owner := range map[string]string{"it is still ours": "", "another has it now": "another"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(1)
				store := &muteStore{memoryStore: b.store}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				consumer := New(b.cfg, b.hub, store, b.sink, b.stats, b.health, b.log)
				go func() {
					defer close(done)
					consumer.Run(ctx)
				}()
				time.Sleep(2 * balanceInterval)
				synctest.Wait()
				if owner != "" {
					b.store.giveTo(owner, "0")
				}
				store.speaks = true
				cancel()
				<-done
				assert.Equal(t, owner, b.store.owner("0"))
			})
		})
	}
}
