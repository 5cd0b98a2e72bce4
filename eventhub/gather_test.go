package eventhub

import (
	"testing"
	"testing/synctest"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// appendEvent puts an event with a sequence number of its own into partition 0.
func (h *memoryHub) appendEvent(event Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	event.Enqueued = noon
	h.partitions["0"] = append(h.partitions["0"], event)
	h.changed.Broadcast()
}

func TestHubEventsThatAreMissingAreCountedAndLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.hub.appendEvent(Event{Sequence: 7, Body: oneEach("a")[0]})
		b.hub.appendEvent(Event{Sequence: 8, Body: oneEach("b")[0]})
		b.hub.appendEvent(Event{Sequence: 12, Body: oneEach("c")[0]})
		b.hub.appendEvent(Event{Sequence: 13, Body: oneEach("d")[0]})
		stop := b.start(t)
		assert.Equal(t, []string{"a", "b", "c", "d"}, b.sink.await(4))
		stop()
		assert.Equal(t, 3.0, b.metric(t, "aks_audit_log_missing_events_total", "0"), "not those before the oldest event")
		var said []logrus.Fields
		for _, entry := range b.logged.AllEntries() {
			if missing, told := entry.Data["missing"]; told {
				assert.Equal(t, logrus.WarnLevel, entry.Level)
				said = append(said, logrus.Fields{"missing": missing, "after": entry.Data["after"], "before": entry.Data["before"]})
			}
		}
		assert.Equal(t, []logrus.Fields{{"missing": int64(3), "after": int64(8), "before": int64(12)}}, said)
	})
}

func TestWhatRetentionRemovedBehindTheCheckpointIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.store.move("0", 4)
		b.hub.appendEvent(Event{Sequence: 7, Body: oneEach("a")[0]})
		stop := b.start(t)
		b.sink.await(1)
		stop()
		assert.Equal(t, 2.0, b.metric(t, "aks_audit_log_missing_events_total", "0"))
	})
}

func TestAnEventThatTheClientCannotReadIsADeadLetterThatNamesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(1)
		b.hub.appendEvent(Event{Sequence: 0, Unreadable: "enqueued time cannot be converted"})
		b.hub.appendEvent(Event{Sequence: 1, Body: []byte("not gzip"), Encoding: "gzip"})
		b.hub.appendEvent(Event{Sequence: 2, Body: gzipped(t, oneEach("good")[0]), Encoding: "gzip"})
		stop := b.start(t)
		assert.Equal(t, []string{"good"}, b.sink.await(1))
		stop()
		require.Len(t, b.store.letters, 2)
		unreadable, broken := b.store.letters[0], b.store.letters[1]
		assert.Equal(t, "0/0-0.json", unreadable.name())
		assert.Equal(t, "unreadable", unreadable.Reason)
		assert.Equal(t, "enqueued time cannot be converted", unreadable.Detail)
		assert.Empty(t, unreadable.Content)
		assert.Equal(t, "bad_encoding", broken.Reason)
		assert.Equal(t, "not gzip", string(broken.Content))
		assert.Equal(t, 1.0, b.metric(t, "aks_audit_log_dead_letters_total", "unreadable"))
		assert.Equal(t, 1.0, b.metric(t, "aks_audit_log_dead_letters_total", "bad_encoding"))
		assert.Zero(t, b.metric(t, "aks_audit_log_missing_events_total", "0"))
	})
}
