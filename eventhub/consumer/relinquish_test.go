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

// silentStore makes every claim. From the second one on its answers are lost, until it answers again.
type silentStore struct {
	*eventhubtest.Store
	claims  int
	answers bool
}

func (s *silentStore) Claim(ctx context.Context, ownership eventhub.Ownership) (eventhub.Ownership, error) {
	claimed, err := s.Store.Claim(ctx, ownership)
	if s.claims++; err == nil && s.claims > 1 && !s.answers {
		return eventhub.Ownership{}, errors.New("the answer was lost")
	}
	return claimed, err
}

func TestAPartitionIsRelinquishedThoughTheAnswerToItsLastRenewalWasLost(t *testing.T) {
	for name, owner := range map[string]string{"it is still ours": "", "another has it now": "another"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := eventhubtest.NewBench(1)
				store := &silentStore{Store: b.Store}
				stop := startConsumerOn(t, b, b.Hub, store)
				time.Sleep(2 * balanceInterval)
				synctest.Wait()
				if owner != "" {
					b.Store.GiveTo(owner, "0", time.Now().Add(forGood))
				}
				store.answers = true
				stop()
				assert.Equal(t, owner, b.Store.Owner("0"))
			})
		})
	}
}
