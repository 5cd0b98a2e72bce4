package eventhub

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestALinkThatGoesDeafIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.hub.append("0", oneEach("a")...)
		stop := b.start(t)
		b.sink.await(1)
		b.hub.goDeaf()
		b.hub.append("0", oneEach("b")...)
		time.Sleep(3 * lagInterval)
		assert.Equal(t, []string{"a", "b"}, b.sink.all())
		assert.Equal(t, 1.0, b.metric(t, "aks_audit_log_receive_failures_total", "0"))
		stop()
	})
}

// tardyHub goes on handing events out for a while when its first link has been ended, as
// azure-event-hubs-go does while it says good-bye: its own context has not ended.
type tardyHub struct{ *memoryHub }

func (h tardyHub) Receive(ctx context.Context, partition string, from Position, handle Handler) error {
	if _, number, _ := h.open(); number > 1 {
		return h.memoryHub.Receive(ctx, partition, from, handle)
	}
	<-ctx.Done()
	for _, event := range h.partitions[partition] {
		synctest.Wait() // until the event could be taken
		handle(context.WithoutCancel(ctx), event)
	}
	return nil
}

// Behind one that was left, as it may be, nothing may be taken: reading goes on behind what was.
func TestALinkThatIsEndedLeavesNoGapBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		ids := strings.Split("abcdefghijklmnopqrst", "")
		b.hub.append("0", oneEach(ids...)...)
		stop := b.startOn(t, tardyHub{b.hub}, b.store)
		time.Sleep(4 * lagInterval)
		assert.Equal(t, ids, b.sink.all())
		assert.Zero(t, b.metric(t, "aks_audit_log_missing_events_total", "0"))
		stop()
	})
}

func TestASlowSinkIsNoDeafLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.sink.gate = make(chan struct{})
		b.hub.append("0", oneEach("a", "b", "c")...)
		stop := b.start(t)
		time.Sleep(time.Hour)
		assert.Equal(t, 1, b.hub.links())
		close(b.sink.gate)
		b.sink.await(3)
		stop()
	})
}

func TestAQuietPartitionIsNoDeafLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.hub.append("0", oneEach("a")...)
		stop := b.start(t)
		time.Sleep(time.Hour)
		assert.Equal(t, 1, b.hub.links())
		stop()
	})
}

func TestAPartitionThatRetentionHasEmptiedIsNoDeafLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.hub.append("0", oneEach("a", "b", "c")...)
		b.hub.first["0"] = 3
		stop := b.start(t)
		time.Sleep(time.Hour)
		assert.Equal(t, 1, b.hub.links())
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
			var watch stallWatch
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			watch.begin(5, cancel)
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
