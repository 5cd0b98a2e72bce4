package partition

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestALinkThatGoesDeafIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		stop := startPartitions(t, b)
		b.Sink.Await(1)
		b.Hub.GoDeaf()
		b.Hub.Append("0", eventhubtest.OneEach("b")...)
		time.Sleep(3 * LagInterval)
		assert.Equal(t, []string{"a", "b"}, b.Sink.All())
		assert.Equal(t, 1.0, b.Metric(t, "aks_audit_log_receive_failures_total", "0"))
		stop()
	})
}

// tardyHub goes on handing events out for a while when its first link has been ended, as
// azure-event-hubs-go does while it says good-bye: its own context has not ended.
type tardyHub struct{ *eventhubtest.Hub }

func (h tardyHub) Receive(ctx context.Context, partition string, from eventhub.Position, handle eventhub.Handler) error {
	if _, number, _ := h.Open(); number > 1 {
		return h.Hub.Receive(ctx, partition, from, handle)
	}
	<-ctx.Done()
	for _, event := range h.Partitions[partition] {
		synctest.Wait() // until the event could be taken
		handle(context.WithoutCancel(ctx), event)
	}
	return nil
}

// Behind one that was left, as it may be, nothing may be taken: reading goes on behind what was.
func TestALinkThatIsEndedLeavesNoGapBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		ids := strings.Split("abcdefghijklmnopqrst", "")
		b.Hub.Append("0", eventhubtest.OneEach(ids...)...)
		stop := startPartitionsOn(t, b, tardyHub{b.Hub})
		time.Sleep(4 * LagInterval)
		assert.Equal(t, ids, b.Sink.All())
		assert.Zero(t, b.Metric(t, "aks_audit_log_missing_events_total", "0"))
		stop()
	})
}

func TestASlowSinkIsNoDeafLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Sink.Gate = make(chan struct{})
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
		stop := startPartitions(t, b)
		time.Sleep(time.Hour)
		assert.Equal(t, 1, b.Hub.Links())
		close(b.Sink.Gate)
		b.Sink.Await(3)
		stop()
	})
}

func TestAQuietPartitionIsNoDeafLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		stop := startPartitions(t, b)
		time.Sleep(time.Hour)
		assert.Equal(t, 1, b.Hub.Links())
		stop()
	})
}

func TestAPartitionThatRetentionHasEmptiedIsNoDeafLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
		b.Hub.First["0"] = 3
		stop := startPartitions(t, b)
		time.Sleep(time.Hour)
		assert.Equal(t, 1, b.Hub.Links())
		stop()
	})
}

func TestALinkIsDeafOnlyIfItHadTimeToDeliver(t *testing.T) {
	type observation struct {
		received int64
		last     int64
	}
	for name, test := range map[string]struct {
		seen []observation
		want bool
	}{
		"nothing to deliver":                      {[]observation{{5, 5}, {5, 5}}, false},
		"more came in since it was last asked":    {[]observation{{5, 5}, {5, 9}}, false},
		"nothing delivered of what was there":     {[]observation{{5, 9}, {5, 9}}, true},
		"slow, but some of it":                    {[]observation{{5, 900}, {6, 900}, {7, 900}}, false},
		"delivered some, and then nothing":        {[]observation{{5, 900}, {6, 900}, {6, 900}}, true},
		"a start that has had no time to deliver": {[]observation{{5, 900}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var watch stallDetector
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			watch.start(5, cancel)
			for _, o := range test.seen {
				if o.received > 5 {
					watch.arrived(o.received)
					watch.taken()
				}
				watch.check(o.last)
			}
			assert.Equal(t, test.want, errors.Is(context.Cause(ctx), errStalled))
		})
	}
}
