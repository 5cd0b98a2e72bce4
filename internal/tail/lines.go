package tail

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"
)

// endLimit bounds how long end waits for the last lines after ctx has ended. Standard output may be a pipe that nobody
// reads.
const endLimit = time.Second

// lines writes lines from several goroutines to one writer. It flushes when no other line waits.
type lines struct {
	queue chan []byte
	// failed is closed after a write has failed with the error err.
	failed chan struct{}
	err    error
	ended  chan struct{}
}

// startLines starts to write lines to out. The caller has to call end.
func startLines(out io.Writer) *lines {
	l := &lines{queue: make(chan []byte, 64), failed: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		if l.err = l.write(bufio.NewWriterSize(out, 64<<10)); l.err != nil {
			close(l.failed)
		}
	}()
	return l
}

// write writes lines until the queue is closed, or a write fails.
func (l *lines) write(out *bufio.Writer) error {
	for line := range l.queue {
		if _, err := out.Write(line); err != nil {
			return err
		}
		if len(l.queue) == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// print puts a line into the queue. If the queue is full, it waits, until ctx ends.
func (l *lines) print(ctx context.Context, line []byte) error {
	select {
	case l.queue <- line:
		return nil
	case <-l.failed:
		return fmt.Errorf("write the audit events: %w", l.err)
	case <-ctx.Done():
		return nil // the line is not printed
	}
}

// end waits until all lines are written, and returns the error of the writer. After ctx has ended, it waits at most
// for endLimit.
func (l *lines) end(ctx context.Context) error {
	close(l.queue)
	select {
	case <-l.ended:
		return l.err
	case <-ctx.Done():
	}
	select {
	case <-l.ended:
		return l.err
	case <-time.After(endLimit):
		return nil
	}
}
