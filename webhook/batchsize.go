package webhook

import (
	"time"

	"aks-audit-log-go/forwarder/audit"
)

const (
	// firstBatch is how many events a lane's first batch holds at most: nothing is known of the
	// sink yet.
	firstBatch = 32
	// quickAnswer, busyAnswer and slowAnswer are the answers after which batches grow, shrink down
	// to firstBatch, and shrink. Falco answers once a body stands in its queue of 50, so 50 times
	// the answer is what it may hold, and what a stop has to wait for.
	quickAnswer = 50 * time.Millisecond
	busyAnswer  = 100 * time.Millisecond
	slowAnswer  = 10 * time.Second
)

// batchSize is how large the batches of a lane may be. It follows the sink: a quick one is given
// more at a time, since each POST has its price; a slow one less, so that what stands in its
// queue, which it would lose with its process, is worth seconds and not minutes.
type batchSize struct {
	// most is POSTBATCHMAXEVENTS, events how many they are now.
	most, events int
	// bytes is the largest body: POSTBATCHMAXBYTES, or less once the sink has said 413.
	bytes int
}

func newBatchSize(most, bytes int) batchSize {
	return batchSize{most: most, events: min(firstBatch, most), bytes: bytes}
}

// answered notes how long the sink took over a batch, or over none of an answer until the
// time-out of a POST.
func (s *batchSize) answered(events int, took time.Duration) {
	switch {
	case took > slowAnswer:
		s.shrink()
	case took > busyAnswer:
		// No further: an answer that comes late however little was sent is the network's.
		s.events = min(s.events, max(firstBatch, s.events/2))
	case took < quickAnswer && events >= s.events:
		s.events = min(2*s.events, s.most)
	}
}

// tooLarge notes that the sink said 413 to a body of that many bytes. Larger ones will not be
// tried again on this lane.
func (s *batchSize) tooLarge(bytes int) {
	s.shrink()
	s.bytes = min(s.bytes, bytes/2)
}

func (s *batchSize) shrink() { s.events = max(1, s.events/2) }

// fitting returns how many of the first events fit a batch: as many as size allows, but one at
// the least.
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
