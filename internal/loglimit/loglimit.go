package loglimit

import (
	"sync"
	"time"
)

// maxKeys bounds the memory of a Limiter whose keys never repeat.
const maxKeys = 100

// Limiter decides which messages to log. Messages that are alike have the same key. A Limiter allows the first Burst
// messages of a key in each Interval, and counts the others. It is safe for concurrent use.
type Limiter struct {
	// Burst is how many messages of a key are allowed in an interval. 0 means 1.
	Burst int
	// Interval begins with the first message of a key. 0 means that it lasts until Reset.
	Interval time.Duration
	// Summary, if set, is called at the end of an interval in which messages were left out, and by Close. Without it,
	// the Decision about the next message that is allowed carries their number.
	Summary func(key string, leftOut int)

	mu   sync.Mutex
	keys map[string]*window
}

// window is the current interval of one key.
type window struct {
	began            time.Time
	length           time.Duration // 0 means until Reset
	allowed, leftOut int
	timer            *time.Timer // calls Summary; nil without one
	recovered        bool        // Recover was called since the last message
}

// Decision says what to do with one message.
type Decision struct {
	// Log is whether to log the message.
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

// open begins the first interval of key.
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

// end closes the interval of key and reports what was left out in it.
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

// Recover notes that the failure that the messages are about has ended. The current intervals end once they have
// lasted for after, and the next message of a key is not a reminder. Recover is for a Limiter without Summary.
func (l *Limiter) Recover(after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.keys {
		w.length, w.recovered = after, true
	}
}

// Reset forgets all messages: the next one of each key is logged.
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

// Close calls Summary at once for the current intervals. Next must not be called afterwards.
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
