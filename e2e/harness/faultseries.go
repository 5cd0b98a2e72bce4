package harness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// faultSeries draws faults of one kind at random, and causes them one after the other. Several series run at the same
// time.
type faultSeries struct {
	rng    *rand.Rand
	faults []Fault
	// pause is the longest time between two faults.
	pause time.Duration

	mu     sync.Mutex
	counts map[string]int
	log    func(format string, args ...any)
}

// run causes one fault after the other until ctx is done. After it, no fault is on.
func (s *faultSeries) run(ctx context.Context) {
	for {
		// The random numbers do not depend on the time, so that the seed determines the series.
		next := pick(s.rng, s.faults)
		pause, lasts := drawTime(s.rng, s.pause), drawTime(s.rng, next.longest)
		Pause(ctx, pause)
		if ctx.Err() != nil {
			return
		}
		s.count(next.name)
		if s.log != nil {
			s.log("%s, for %s", next.name, lasts.Round(time.Millisecond))
		}
		next.begin()
		if next.end != nil {
			Pause(ctx, lasts)
			next.end()
		}
	}
}

// count counts a fault.
func (s *faultSeries) count(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[string]int{}
	}
	s.counts[name]++
}

// drawTime returns a random time of at most longest.
func drawTime(rng *rand.Rand, longest time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(longest) + 1))
}

// String returns how often each fault happened.
func (s *faultSeries) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := ""
	for _, f := range s.faults {
		text += fmt.Sprintf("  %4d %s\n", s.counts[f.name], f.name)
	}
	return text
}
