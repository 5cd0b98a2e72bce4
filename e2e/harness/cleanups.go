package harness

import (
	"errors"
	"sync"
)

// AtEnd cleans up what tests share, when all tests have ended.
var AtEnd Cleanups

// Cleanups is a stack of functions. The last one added is called first.
type Cleanups struct {
	mu    sync.Mutex
	stack []func() error
}

// Add adds a function.
func (c *Cleanups) Add(undo func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stack = append(c.stack, undo)
}

// Stop calls all functions, even if some fail, and returns their errors.
func (c *Cleanups) Stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for i := len(c.stack) - 1; i >= 0; i-- {
		errs = append(errs, c.stack[i]())
	}
	c.stack = nil
	return errors.Join(errs...)
}
