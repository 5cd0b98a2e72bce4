package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// outputLimit is how much output of a process is kept, in bytes. The oldest output is dropped.
const outputLimit = 32 << 20

// Output collects what a process prints. It may be read while the process runs.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text.Len() > outputLimit {
		o.text.Next(outputLimit / 2)
	}
	return o.text.Write(p)
}

// String returns everything that is kept of the output.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Contains reports whether a text was printed.
func (o *Output) Contains(part string) bool {
	return strings.Contains(o.String(), part)
}

// stopLimit is how long a process may take to end after a signal. It is longer than the longest SHUTDOWNTIMEOUT of a
// test.
const stopLimit = shutdownTimeout + WaitLimit

// Process is a child process whose output is kept. The caller of StartProcess has to end it.
type Process struct {
	Output *Output
	Cmd    *exec.Cmd
	ended  chan struct{}
}

// StartProcess runs path with only the given environment.
func StartProcess(ctx context.Context, dir string, environ []string, path string, args ...string) (*Process, error) {
	p := &Process{Output: &Output{}, ended: make(chan struct{})}
	// The context must not kill the process. A test's context ends before the test's clean-up, which ends the
	// processes in the right order.
	p.Cmd = exec.CommandContext(context.WithoutCancel(ctx), path, args...)
	p.Cmd.Dir = dir
	p.Cmd.Env = environ
	p.Cmd.Stdout = p.Output
	p.Cmd.Stderr = p.Output
	p.Cmd.SysProcAttr = dieWithParent()
	if err := p.Cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	go func() {
		defer close(p.ended)
		_ = p.Cmd.Wait() // the result is in ProcessState
	}()
	return p, nil
}

// Signal sends sig, unless the process has already ended, and waits for the end.
func (p *Process) Signal(sig os.Signal) error {
	select {
	case <-p.ended:
		return nil
	default:
	}
	if err := p.Cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %s: %w", sig, err)
	}
	return p.Wait()
}

// Wait waits until the process has ended.
func (p *Process) Wait() error {
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopLimit):
		_ = p.Cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("process still ran after %s and was killed", stopLimit)
	}
}

// Running reports whether the process has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// ExitCode returns the exit code of a process that has ended, or -1 if a signal ended it.
func (p *Process) ExitCode() int { return p.Cmd.ProcessState.ExitCode() }
