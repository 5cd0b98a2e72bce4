package e2e

import (
	"bytes"
	"strings"
	"sync"
)

// outputLimit is how much of what a process prints is kept, in bytes. Of more, the oldest goes.
const outputLimit = 32 << 20

// output collects what a process prints, while others look at it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write satisfies io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text.Len() > outputLimit {
		o.text.Next(outputLimit / 2)
	}
	return o.text.Write(p)
}

// String is all that was printed so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Contains says whether part was printed yet.
func (o *output) Contains(part string) bool {
	return strings.Contains(o.String(), part)
}
