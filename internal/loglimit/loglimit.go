package loglimit

import (
	"sync"
	"time"
)

// maxKeys bounds the memory of a Limiter with keys that never repeat.
const maxKeys = 100

// Limiter decides which messages are logged. Similar messages have the same key. A Limiter allows the first Burst
// messages of a key in each Interval, and counts the others. It is safe for concurrent use.
type Limiter struct {
	// Burst is how many messages of a key are allowed in an Interval. 0 means 1.
	Burst int
	// Interval starts with the first message of a key. 0 means that it lasts until Reset.
	Interval time.Duration
	// Summary, if set, is called at the end of an interval in which messages were not logged, and by Close. If it is
	// not set, the Decision about the next allowed message has their number.
	Summary func(key string, leftOut int)

	mu   sync.Mutex
	keys map[string]*window
}

// window is the current interval of a key.
type window struct {
	began            time.Time
	length           time.Duration // 0 means until Reset
	allowed, leftOut int
	timer            *time.Timer // calls Summary; nil if there is none
	recovered        bool        // whether Recover was called since the last message
}

// Decision says what to do with a message.
type Decision struct {
	// Log is whether the message is logged.
	Log bool
	// LeftOut is how many messages of the key were not logged since the last one that was.
	LeftOut int
	// Reminder is whether a message of the key was logged before, and Recover was not called since.
	Reminder bool
}

// Next decides about the next message of key.
func (l *Limiter) Next(key string) Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	w, decision := l.keys[key], Decision{Log: true}
	switch {
	case w == nil:
		w = l.open(key)
	case w.length == 0 || time.Since(w.began) < w.length:
		decision.Reminder = !w.recovered
	default:
		decision.Reminder, decision.LeftOut = !w.recovered, w.leftOut
		*w = window{began: time.Now(), length: l.Interval, timer: w.timer}
	}
	if w.allowed >= max(1, l.Burst) {
		w.leftOut++
		return Decision{}
	}
	w.allowed++
	w.recovered = false
	return decision
}

// open starts the first interval of key.
func (l *Limiter) open(key string) *window {
	if l.keys == nil || l.Summary == nil && len(l.keys) >= maxKeys {
		l.keys = map[string]*window{}
	}
	w := &window{began: time.Now(), length: l.Interval}
	if l.Summary != nil {
		w.timer = time.AfterFunc(l.Interval, func() { l.end(key) })
	}
	l.keys[key] = w
	return w
}

// end ends the interval of key, and reports how many of its messages were not logged.
func (l *Limiter) end(key string) {
	l.mu.Lock()
	w := l.keys[key]
	delete(l.keys, key)
	l.mu.Unlock()
	if w == nil {
		return
	}
	w.timer.Stop()
	if w.leftOut > 0 {
		l.Summary(key, w.leftOut)
	}
}

// Recover notes that the failure that the messages are about has ended. Each current interval then ends when it has
// lasted for after, and the next message of its key is no reminder. Recover is for a Limiter without Summary.
func (l *Limiter) Recover(after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.keys {
		w.length, w.recovered = after, true
	}
}

// Reset forgets all messages, so that the next one of each key is logged.
func (l *Limiter) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.keys {
		if w.timer != nil {
			w.timer.Stop()
		}
	}
	clear(l.keys)
}

// Close ends the current intervals, and calls Summary for them. Next must not be called after it.
func (l *Limiter) Close() {
	l.mu.Lock()
	keys := make([]string, 0, len(l.keys))
	for key := range l.keys {
		keys = append(keys, key)
	}
	l.mu.Unlock()
	if l.Summary == nil {
		return
	}
	for _, key := range keys {
		l.end(key)
	}
}
