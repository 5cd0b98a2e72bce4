package e2e

import (
	"errors"
	"sync"
)

// shared undoes, at the end of the run, what all tests used together.
var shared cleanups

// cleanups are functions to call at the end, the last added first.
type cleanups struct {
	mu    sync.Mutex
	stack []func() error
}

// add remembers undo for the end of the run.
func (c *cleanups) add(undo func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stack = append(c.stack, undo)
}

// stop calls all of them, whatever becomes of each.
func (c *cleanups) stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for i := len(c.stack) - 1; i >= 0; i-- {
		errs = append(errs, c.stack[i]())
	}
	c.stack = nil
	return errors.Join(errs...)
}
