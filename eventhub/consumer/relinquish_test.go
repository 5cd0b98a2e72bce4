package consumer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

// muteStore does what it is asked, and from the second claim on, until it is told to stop, its
// answers to claims are lost.
type muteStore struct {
	*eventhubtest.Store
	claims int
	speaks bool
}

func (s *muteStore) Claim(ctx context.Context, ownership eventhub.Ownership) (eventhub.Ownership, error) {
	claimed, err := s.Store.Claim(ctx, ownership)
	if s.claims++; err == nil && s.claims > 1 && !s.speaks {
		return eventhub.Ownership{}, errors.New("the answer was lost")
	}
	return claimed, err
}

func TestAPartitionIsGivenUpThoughTheAnswerToItsLastRenewalWasLost(t *testing.T) {
	for name, owner := range map[string]string{"it is still ours": "", "another has it now": "another"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := eventhubtest.NewBench(1)
				store := &muteStore{Store: b.Store}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				consumer := New(b.Cfg, eventhub.NewReaderID(), b.Hub, store, b.Sink, b.Stats, b.Health, b.Log)
				go func() {
					defer close(done)
					consumer.Run(ctx)
				}()
				time.Sleep(2 * balanceInterval)
				synctest.Wait()
				if owner != "" {
					b.Store.GiveTo(owner, "0", time.Now().Add(forGood))
				}
				store.speaks = true
				cancel()
				<-done
				assert.Equal(t, owner, b.Store.Owner("0"))
			})
		})
	}
}
