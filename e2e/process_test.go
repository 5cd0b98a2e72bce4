package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// stopPatience bounds how long a process may take to end after it was asked to. It is above
// the longest SHUTDOWNTIMEOUT that a test sets.
const stopPatience = 70 * time.Second

// process is a child process whose output is kept. Whoever starts one ends it.
type process struct {
	out   *output
	cmd   *exec.Cmd
	ended chan struct{}
}

// startProcess runs path with just the given environment.
func startProcess(ctx context.Context, dir string, environ []string, path string, args ...string) (*process, error) {
	p := &process{out: &output{}, ended: make(chan struct{})}
	// The context's end must not kill the process: a test's context ends before its
	// clean-up, which is where processes are ended in the order that they need.
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), path, args...)
	p.cmd.Dir = dir
	p.cmd.Env = environ
	p.cmd.Stdout = p.out
	p.cmd.Stderr = p.out
	p.cmd.SysProcAttr = dieWithParent()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // what became of it is asked of ProcessState
	}()
	return p, nil
}

// signal sends sig, unless the process has ended already, and waits for its end.
func (p *process) signal(sig os.Signal) error {
	select {
	case <-p.ended:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %s: %w", sig, err)
	}
	return p.wait()
}

// wait waits for the end of a process that ends by itself.
func (p *process) wait() error {
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopPatience):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("process still ran after %s and was killed", stopPatience)
	}
}

// running says whether the process has not ended yet.
func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// exitCode is -1 for a process that a signal ended. It must have ended.
func (p *process) exitCode() int { return p.cmd.ProcessState.ExitCode() }
