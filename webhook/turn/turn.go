// Package turn shares the sink's connection between sessions: one request at a time.
//
// If the sink is the limit, a session keeps the turn for a slice of time. The requests of a partition then follow each
// other, those of the next one confirm them all, and its checkpoint can be written: after a crash, only the last
// slices are sent again. If the turn passed after each request, all partitions would always have unconfirmed requests.
package turn

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// cycle is the time in which each waiting session gets a slice. It is more than the second between two checkpoints
	// of a partition, so that each slice gets its own checkpoint.
	cycle = 1100 * time.Millisecond
	// slowRequest is the mean time of recent requests from which on the sink is the limit. With a faster sink the turn
	// passes after each request: the sessions are then the limit, and must work at the same time.
	slowRequest = 2 * time.Millisecond
	// recent is the number of requests in that mean. Falco takes 128 events at a time, so most answers are quick.
	recent = 32
	// longestGap is how long the turn is kept for a session that has more to post. The session usually posts at once,
	// unless the machine is busy.
	longestGap = 10 * time.Millisecond
)

// Turn is safe for concurrent use. The zero value is ready for use.
type Turn struct {
	mu sync.Mutex
	// busy is whether the turn is taken. holder has it, since taken. holder is nil for a turn between two requests.
	busy   bool
	holder any
	taken  time.Time
	// took is the mean time of recent requests.
	took time.Duration
	// session has the slice, since began. more is whether it announced another request when it last passed the turn.
	session any
	began   time.Time
	more    bool
	// gap passes the turn on if the session does not use it. It is nil if the turn is not kept.
	gap *time.Timer
	// waiting holds the waiting sessions in order, between those that wait for a turn between two requests.
	waiting, between []*waiter
}

type waiter struct {
	session any
	ready   chan struct{}
}

// Take waits until it is the session's turn. It returns false if ctx ends first, or else the caller must call Pass.
func (t *Turn) Take(ctx context.Context, session any) bool { return t.take(ctx, session, &t.waiting) }

// TakeBetween is Take for a turn that ends no slice: it waits only for the request in flight.
func (t *Turn) TakeBetween(ctx context.Context) bool { return t.take(ctx, nil, &t.between) }

func (t *Turn) take(ctx context.Context, session any, queue *[]*waiter) bool {
	t.mu.Lock()
	own := session == t.session && t.more
	if !t.busy && (t.gap == nil || own || session == nil) {
		t.give(session)
		t.mu.Unlock()
		return true
	}
	w := &waiter{session, make(chan struct{})}
	if own { // another one came between
		*queue = slices.Insert(*queue, 0, w)
	} else {
		*queue = append(*queue, w)
	}
	t.mu.Unlock()
	select {
	case <-w.ready:
		return true
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := slices.Index(*queue, w); at >= 0 {
		*queue = slices.Delete(*queue, at, at+1)
	} else {
		t.pass(false) // the turn was given at the same moment
	}
	return false
}

func (t *Turn) give(session any) {
	if t.gap != nil {
		t.gap.Stop()
	}
	t.busy, t.holder, t.taken, t.gap = true, session, time.Now(), nil
	if session != nil && session != t.session {
		t.session, t.began, t.more = session, t.taken, false
	}
}

func (t *Turn) giveFirst(queue *[]*waiter) {
	first := (*queue)[0]
	*queue = (*queue)[1:]
	t.give(first.session)
	close(first.ready)
}

// Pass ends a turn. more is whether the session takes the next one at once.
func (t *Turn) Pass(more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took += (time.Since(t.taken) - t.took) / recent
	t.pass(more)
}

func (t *Turn) pass(more bool) {
	if t.busy = false; t.holder != nil {
		t.more = more
	}
	switch {
	case len(t.between) > 0:
		t.giveFirst(&t.between)
	case len(t.waiting) == 0:
	case t.more && t.waiting[0].session != t.session && t.took >= slowRequest &&
		time.Since(t.began) < cycle/time.Duration(1+len(t.waiting)):
		t.keep()
	default:
		t.giveFirst(&t.waiting)
	}
}

// keep keeps the turn for the session for a while, and then passes it on.
func (t *Turn) keep() {
	var timer *time.Timer
	timer = time.AfterFunc(longestGap, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.gap != timer { // the turn was taken meanwhile
			return
		}
		if t.gap = nil; len(t.waiting) > 0 {
			t.giveFirst(&t.waiting)
		}
	})
	t.gap = timer
}
