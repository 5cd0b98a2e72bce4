package e2e

import (
	"bytes"
	"strings"
	"sync"
)

// output collects what a process prints, while others look at it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write satisfies io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
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
