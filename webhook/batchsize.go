package webhook

import (
	"time"

	"aks-audit-log-go/forwarder/audit"
)

const (
	// firstBatch is how many events a session's first batch holds at most: nothing is known about the sink yet.
	firstBatch = 32
	// Batches grow after answers that are faster than quickAnswer, shrink down to firstBatch after answers that are
	// slower than busyAnswer, and shrink further after answers that are slower than slowAnswer. Falco answers once a
	// request is in its queue of 50. So its queue may take 50 times as long as an answer, and a stop has to wait for
	// it.
	quickAnswer = 50 * time.Millisecond
	busyAnswer  = 100 * time.Millisecond
	slowAnswer  = 10 * time.Second
)

// batchSize is how large the batches of a session may be. It follows the sink. A quick sink gets larger batches,
// because each POST costs time. A slow sink gets smaller ones, so that its queue, which would be lost with its
// process, holds seconds of work and not minutes.
type batchSize struct {
	// most is POSTBATCHMAXEVENTS, events the current limit.
	most, events int
	// bytes is the size of the largest body: POSTBATCHMAXBYTES, or less once the sink has answered 413.
	bytes int
}

func newBatchSize(most, bytes int) batchSize {
	return batchSize{most: most, events: min(firstBatch, most), bytes: bytes}
}

// answered notes how long the sink took to answer a batch, or to give no answer until the time-out of the POST.
func (s *batchSize) answered(events int, took time.Duration) {
	switch {
	case took > slowAnswer:
		s.shrink()
	case took > busyAnswer:
		// Not below firstBatch: if small batches are answered late too, the network is slow and not the sink.
		s.events = min(s.events, max(firstBatch, s.events/2))
	case took < quickAnswer && events >= s.events:
		s.events = min(2*s.events, s.most)
	}
}

// tooLarge notes that the sink answered 413 to a body of that many bytes. The session tries none larger than half of
// it again.
func (s *batchSize) tooLarge(bytes int) {
	s.shrink()
	s.bytes = min(s.bytes, bytes/2)
}

func (s *batchSize) shrink() { s.events = max(1, s.events/2) }

// fitting returns how many of the first events fit in a batch, at least one.
func (s *batchSize) fitting(events []audit.Event) int {
	size := 0
	for n := range events {
		size += len(events[n].JSON)
		if n > 0 && (n == s.events || size+envelope(n+1) > s.bytes) {
			return n
		}
	}
	return len(events)
}
