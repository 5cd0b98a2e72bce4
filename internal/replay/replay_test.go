package replay

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/eventhubtest"
)

func TestEverythingIsSentAndConfirmed(t *testing.T) {
	for _, batch := range []int{1, 7} {
		hub, sink := eventhubtest.NewHub(2), eventhubtest.NewSink()
		sink.BatchSize = batch
		ids := fill(hub, 50, "0", "1")
		r := newReplay(hub, sink, "0", "1")
		mustRun(t, r)
		assert.ElementsMatch(t, ids, sink.AuditIDs())
		assert.Equal(t, Counts{HubEvents: 100, Sent: 200}, r.state.Counts)
		assert.Equal(t, int64(49), r.state.Partitions["1"].Sequence)
		assert.Zero(t, r.unconfirmed.Sent)
	}
}

func TestAStretchOfWhichTheHubHoldsNothingIsSaid(t *testing.T) {
	r := newReplay(eventhubtest.NewHub(1), eventhubtest.NewSink(), "0")
	mustRun(t, r)
	var out strings.Builder
	require.NoError(t, r.report(&out, forwarder.Config{}, nil))
	assert.Equal(t, "From 2026-01-31T12:00:00Z to 2026-01-31T13:00:00Z, by the time at which the hub got an event:\nThe hub holds nothing of that time.\n", out.String())
}

func TestASinkThatIsLostGetsAgainWhatItHadNotConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, sink := eventhubtest.NewHub(1), eventhubtest.NewSink()
		sink.ConfirmTime, sink.Gate = 10*time.Second, make(chan struct{})
		ids := fill(hub, 20, "0")
		r := newReplay(hub, sink, "0")
		result := make(chan error, 1)
		go func() { result <- r.run(t.Context()) }()
		for range 10 {
			sink.Gate <- struct{}{}
		}
		time.Sleep(15 * time.Second) // the clock of synctest: these are confirmed
		for range 6 {
			sink.Gate <- struct{}{}
		}
		synctest.Wait()
		sink.Lose()
		synctest.Wait() // the next round is at the gate
		close(sink.Gate)
		require.NoError(t, <-result)
		got := sink.AuditIDs()
		assert.Equal(t, ids[:16], got[:16])
		assert.Equal(t, ids[10:], got[16:], "from the last hub event that was confirmed")
		assert.Equal(t, Counts{HubEvents: 20, Sent: 40}, r.state.Counts, "what is sent again counts once")
	})
}

func TestASinkThatIsLostAgainAndAgainEndsTheReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, sink := eventhubtest.NewHub(1), eventhubtest.NewSink()
		sink.ConfirmTime = time.Minute
		fill(hub, 2, "0")
		r := newReplay(hub, sink, "0")
		result := make(chan error, 1)
		go func() { result <- r.run(t.Context()) }()
		for range maxLosses {
			synctest.Wait()
			sink.Lose()
		}
		require.ErrorIs(t, <-result, errSinkLost)
		assert.Len(t, sink.AuditIDs(), 4*maxLosses)
		assert.Zero(t, r.state.Counts.Sent)
	})
}

func TestASinkThatFailsEndsTheReplayAndLeavesTheRest(t *testing.T) {
	hub, sink := eventhubtest.NewHub(1), eventhubtest.NewSink()
	ids := fill(hub, 20, "0")
	sink.Outcomes = func(event audit.Event) audit.Outcome {
		if event.AuditID == ids[15] {
			return audit.Outcome{Verdict: audit.Dropped, Reason: "503 Service Unavailable"}
		}
		return audit.Outcome{Verdict: audit.Delivered}
	}
	r := newReplay(hub, sink, "0")
	require.EqualError(t, r.run(t.Context()), "the sink does not take the audit events: 503 Service Unavailable")
	assert.Equal(t, Counts{HubEvents: 7, Sent: 14}, r.state.Counts, "the eighth hub event is not through")
	assert.Equal(t, int64(6), r.state.Partitions["0"].Sequence)
	sink.Outcomes = nil
	require.NoError(t, r.run(t.Context()))
	assert.Equal(t, ids[14:], sink.AuditIDs()[16:])
}

func TestAnInterruptionFinishesTheHubEventInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, sink := eventhubtest.NewHub(1), eventhubtest.NewSink()
		sink.Gate = make(chan struct{})
		ids := fill(hub, 20, "0")
		r := newReplay(hub, sink, "0")
		r.sink = noStop{r.sink}
		ctx, interrupt := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- r.run(ctx) }()
		sink.Gate <- struct{}{}
		interrupt()
		synctest.Wait()
		close(sink.Gate)
		require.ErrorIs(t, <-result, errInterrupted)
		assert.Equal(t, ids[:2], sink.AuditIDs())
		assert.Equal(t, Counts{HubEvents: 1, Sent: 2}, r.state.Counts)
	})
}

// noStop is a sink that takes what is under way after Stop, as a sink that needs no wait.
type noStop struct{ stoppableSink }

func (noStop) Stop() {}

func TestAnInterruptionOfAWaitStillConfirmsWhatWasAccepted(t *testing.T) {
	for range 20 { // Stop and the end of reading race
		synctest.Test(t, func(t *testing.T) {
			hub, sink := eventhubtest.NewHub(1), eventhubtest.NewSink()
			sink.Gate, sink.ConfirmTime = make(chan struct{}), time.Second
			fill(hub, 20, "0")
			r := newReplay(hub, sink, "0")
			ctx, interrupt := context.WithCancel(t.Context())
			result := make(chan error, 1)
			go func() { result <- r.run(ctx) }()
			for range 4 {
				sink.Gate <- struct{}{}
			}
			synctest.Wait()
			interrupt()
			require.ErrorIs(t, <-result, errInterrupted)
			assert.Equal(t, Counts{HubEvents: 2, Sent: 4}, r.state.Counts)
		})
	}
}

func TestAnInterruptionWaitsForABoundedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, sink := eventhubtest.NewHub(1), eventhubtest.NewSink()
		sink.ConfirmTime = time.Hour
		fill(hub, 1, "0")
		r := newReplay(hub, sink, "0")
		ctx, interrupt := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- r.run(ctx) }()
		synctest.Wait()
		interrupt()
		began := time.Now()
		require.ErrorIs(t, <-result, errInterrupted)
		assert.Equal(t, stopTime, time.Since(began))
		assert.Zero(t, r.state.Counts.Sent)
		assert.Equal(t, 2, r.unconfirmed.Sent)
	})
}

func TestWhatIsNotSentIsCounted(t *testing.T) {
	hub, sink := eventhubtest.NewHub(1), eventhubtest.NewSink()
	hub.Append("0", eventhubtest.Together("a", "refused"), []byte("rubbish"), eventhubtest.KubeAudit("not JSON", eventhubtest.TooLarge("requestObject")))
	sink.Outcomes = func(event audit.Event) audit.Outcome {
		if event.AuditID == "refused" {
			return audit.Outcome{Verdict: audit.DeadLettered, Reason: "400 Bad Request"}
		}
		return audit.Outcome{Verdict: audit.Delivered}
	}
	r := newReplay(hub, sink, "0")
	require.ErrorIs(t, r.run(t.Context()), errNotAccepted)
	assert.Equal(t, Counts{
		HubEvents: 3, Sent: 2, Reduced: 1, Skipped: 1, Unusable: map[string]int{audit.ReasonNotJSON: 1},
		Refused: 1, RefusedEvents: []RefusedEvent{{Partition: "0", Record: 1, AuditID: "refused", Answer: "400 Bad Request"}},
	}, r.state.Counts)
	var out strings.Builder
	require.NoError(t, r.report(&out, forwarder.Config{}, errNotAccepted))
	for _, line := range []string{
		"1 record of other log categories: skipped.", "1 audit event too large for the sink: sent without request or response object.",
		"not stored as dead letters again (not_json 1).", "  partition 0, hub event 0, record 1, audit id refused: 400 Bad Request",
	} {
		assert.Contains(t, out.String(), line+"\n")
	}
	assert.NotContains(t, out.String(), "To go on")
}

func TestWhatRetentionHasRemovedIsSaid(t *testing.T) {
	hub, sink := eventhubtest.NewHub(2), eventhubtest.NewSink()
	ids := fill(hub, 10, "0", "1")
	hub.RemoveBefore("1", 4)
	r := newReplay(hub, sink, "0", "1")
	mustRun(t, r)
	assert.Equal(t, map[string]time.Time{"1": noon.Add(4 * time.Second)}, r.oldest)

	r = newReplay(hub, eventhubtest.NewSink(), "0", "1")
	r.state.Partitions["1"] = done{Sequence: 1, Enqueued: noon.Add(time.Second)}
	require.ErrorIs(t, r.run(t.Context()), errNotAccepted, "two are missing behind the state")
	assert.Equal(t, int64(2), r.state.Counts.Missing)
	assert.Len(t, ids, 40)
}

func TestAStateThatCannotBeWrittenEndsTheReplayBeforeAnythingIsSent(t *testing.T) {
	hub, sink := eventhubtest.NewHub(1), eventhubtest.NewSink()
	fill(hub, 1, "0")
	r := newReplay(hub, sink, "0")
	r.options.StateFile = filepath.Join(t.TempDir(), "missing", "state")
	require.ErrorContains(t, r.run(t.Context()), "write the state: ")
	assert.Empty(t, sink.AuditIDs())
}

func TestMuchIsNotInMemoryAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub, sink := eventhubtest.NewHub(1), eventhubtest.NewSink()
		sink.Gate = make(chan struct{})
		ids := fill(hub, 100, "0")
		r := newReplay(hub, sink, "0")
		r.limits.bytes = 10_000 // of some hub events
		result := make(chan error, 1)
		go func() { result <- r.run(t.Context()) }()
		synctest.Wait()
		assert.LessOrEqual(t, slices.Max(sink.Offered()), 20)
		close(sink.Gate)
		require.NoError(t, <-result)
		assert.Equal(t, ids, sink.AuditIDs())
	})
}

func TestADryRunCountsAndSendsNothing(t *testing.T) {
	hub := eventhubtest.NewHub(1)
	fill(hub, 10, "0")
	r := newReplay(hub, eventhubtest.NewSink(), "0")
	r.sink, r.options.DryRun = noSink{}, true
	mustRun(t, r)
	assert.Equal(t, Counts{HubEvents: 10, Sent: 20}, r.state.Counts)
	stopped, stop := context.WithCancelCause(t.Context())
	stop(errInterrupted)
	_, err := noSession{}.Deliver(stopped, nil)
	assert.True(t, errors.Is(err, errInterrupted))
}
