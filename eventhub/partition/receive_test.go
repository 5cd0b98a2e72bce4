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

func TestALinkThatStallsIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		stop := startPartitions(t, b)
		b.Sink.Await(1)
		b.Hub.Stall()
		b.Hub.Append("0", eventhubtest.OneEach("b")...)
		time.Sleep(3 * LagInterval)
		assert.Equal(t, []string{"a", "b"}, b.Sink.AuditIDs())
		assert.Equal(t, 1.0, b.Metric(t, `aks_audit_log_receive_failures_total{partition="0"}`))
		stop()
	})
}

// lingeringHub hands out events for a while after its first link was ended. azure-event-hubs-go does so while it
// closes the link: the SDK's own context has not ended.
type lingeringHub struct {
	*eventhubtest.Hub
	links int
}

func (h *lingeringHub) Receive(ctx context.Context, partition string, from eventhub.Position, receiver eventhub.Receiver) error {
	if h.links++; h.links > 1 {
		return h.Hub.Receive(ctx, partition, from, receiver)
	}
	<-ctx.Done()
	for _, event := range h.Events(partition) {
		synctest.Wait() // until the event could be taken
		receiver.Handle(context.WithoutCancel(ctx), event)
	}
	return nil
}

// Receive may leave an event when the link is ended. It must take none after that event, because the next link
// continues after the last one that was taken.
func TestALinkThatIsEndedLeavesNoGapBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		ids := strings.Split("abcdefghijklmnopqrst", "")
		b.Hub.Append("0", eventhubtest.OneEach(ids...)...)
		stop := startPartitionsOn(t, b, &lingeringHub{Hub: b.Hub})
		time.Sleep(4 * LagInterval)
		assert.Equal(t, ids, b.Sink.AuditIDs())
		assert.Zero(t, b.Metric(t, `aks_audit_log_missing_events_total{partition="0"}`))
		stop()
	})
}

func TestASlowSinkIsNoStalledLink(t *testing.T) {
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

func TestAQuietPartitionIsNoStalledLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("a")...)
		stop := startPartitions(t, b)
		time.Sleep(time.Hour)
		assert.Equal(t, 1, b.Hub.Links())
		stop()
	})
}

func TestAPartitionThatRetentionHasEmptiedIsNoStalledLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := eventhubtest.NewBench(1)
		b.Hub.Append("0", eventhubtest.OneEach("a", "b", "c")...)
		b.Hub.RemoveBefore("0", 3)
		stop := startPartitions(t, b)
		time.Sleep(time.Hour)
		assert.Equal(t, 1, b.Hub.Links())
		stop()
	})
}

func TestALinkIsStalledOnlyIfItHadTimeToDeliver(t *testing.T) {
	type observation struct {
		received int64
		last     int64
	}
	for name, test := range map[string]struct {
		seen []observation
		want bool
	}{
		"nothing to deliver":                      {[]observation{{5, 5}, {5, 5}}, false},
		"more arrived since the last check":       {[]observation{{5, 5}, {5, 9}}, false},
		"nothing delivered of what was there":     {[]observation{{5, 9}, {5, 9}}, true},
		"slow, but some of it":                    {[]observation{{5, 900}, {6, 900}, {7, 900}}, false},
		"delivered some, and then nothing":        {[]observation{{5, 900}, {6, 900}, {6, 900}}, true},
		"a start that has had no time to deliver": {[]observation{{5, 900}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var stall stallDetector
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			stall.start(eventhub.Position{Sequence: 5}, cancel)
			for _, o := range test.seen {
				if o.received > 5 {
					stall.arrived(eventhub.Position{Sequence: o.received})
					stall.taken()
				}
				stall.check(eventhub.Position{Sequence: o.last})
			}
			assert.Equal(t, test.want, errors.Is(context.Cause(ctx), errStalled))
		})
	}
}
