package consumer

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestAStoreThatIsAwayKeepsNobodyFromDelivering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		stop := startConsumer(t, b)
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		b.Sink.Await(1)
		b.Store.Fail(errors.New("away"))
		time.Sleep(10 * time.Minute)
		began := time.Now()
		b.Hub.Append("0", eventhubtest.OneEach("b")...)
		b.Sink.Await(2)
		assert.Zero(t, time.Since(began))
		b.Store.Fail(nil)
		time.Sleep(balanceInterval)
		stop()
	})
}

func TestTheNextRoundComesWhenTheFirstOwnershipExpires(t *testing.T) {
	for name, test := range map[string]struct {
		listed []eventhub.Ownership
		want   time.Duration
	}{
		"nobody else":               {owned("me", 50*time.Second, "0"), eventhub.OwnershipExpiry},
		"one that relinquished":     {owned("", 50*time.Second, "0"), eventhub.OwnershipExpiry},
		"one that renews":           {owned("b", 5*time.Second, "0"), 55 * time.Second},
		"a dead one and a live one": {append(owned("b", 5*time.Second, "0"), owned("c", 57*time.Second, "1")...), 3 * time.Second},
		"one that expires at once":  {owned("b", 59900*time.Millisecond, "0"), time.Second},
		"one that has expired":      {owned("b", 2*time.Minute, "0"), eventhub.OwnershipExpiry},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, untilExpiry(test.listed, "me", eventhubtest.Noon))
		})
	}
}

func TestADeadReadersPartitionIsTakenAsSoonAsItsOwnershipExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Store.GiveTo("dead", "0", b.Store.Now())
		began := time.Now()
		stop := startConsumer(t, b)
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		b.Sink.Await(1)
		assert.InDelta(t, eventhub.OwnershipExpiry.Seconds(), time.Since(began).Seconds(), 1)
		stop()
	})
}
