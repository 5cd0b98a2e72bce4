package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/daemon"
	"aks-audit-log-go/internal/gctune"
)

// The exit codes. docs/configuration.md lists them.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// exitCode is the error of a command that has reported its failure itself.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// orNil returns nil for exitOK.
func (c exitCode) orNil() error {
	if c == exitOK {
		return nil
	}
	return c
}

// program is what one run of the program gets.
type program struct {
	environ        []string
	stdout, stderr io.Writer
}

// Run runs the command that args name, or the daemon without one, and returns the exit code.
func Run(args, environ []string, stdout, stderr io.Writer) int {
	out := &watchedWriter{Writer: stdout}
	root := program{environ: environ, stdout: out, stderr: stderr}.tree()
	root.SetArgs(doubleDashes(root, args))
	err := root.Execute()
	var code exitCode
	switch {
	case errors.As(err, &code):
		return int(code)
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "aks-audit-log-go: %v (try: aks-audit-log-go help)\n", err)
		return exitUsage
	case out.err != nil: // cobra drops it when it prints help
		_, _ = fmt.Fprintf(stderr, "aks-audit-log-go: write to standard output: %v\n", out.err)
		return exitFailed
	}
	return exitOK
}

// watchedWriter remembers the first error of its Writer.
type watchedWriter struct {
	io.Writer
	err error
}

func (w *watchedWriter) Write(text []byte) (int, error) {
	n, err := w.Writer.Write(text)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// printVersion prints the version, the commit, and the version of Go.
func printVersion(out io.Writer) {
	version, revision, goVersion := forwarder.BuildInfo()
	// Run reports the error.
	_, _ = fmt.Fprintf(out, "aks-audit-log-go %s (revision %s, %s)\n", version, revision, goVersion)
}

// runDaemon runs the daemon until SIGTERM or SIGINT, and returns the exit code. A second signal ends the daemon at
// once (untilSignal).
func runDaemon(environ []string, stderr io.Writer) exitCode {
	cfg, err := forwarder.Load(environ)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "aks-audit-log-go: %v\n", err)
		return exitUsage
	}
	log := daemon.NewLogger(cfg, stderr)
	if err := gctune.Apply(); err != nil {
		_, _ = fmt.Fprintf(stderr, "aks-audit-log-go: %v\n", err)
		return exitUsage
	}
	ctx, restore := untilSignal(func(second os.Signal) {
		log.WithField("signal", second.String()).Error("ended at once by a second signal, before the stop was complete: " +
			"audit events delivered since the last checkpoint will be sent again")
	})
	defer restore()
	if err := forward(ctx, cfg, log); err != nil {
		log.WithError(err).Error("the daemon ends")
		return exitFailed
	}
	return exitOK
}

// forward runs the daemon until ctx is done.
func forward(ctx context.Context, cfg forwarder.Config, log *logrus.Logger) error {
	d, err := daemon.New(ctx, cfg, log)
	if err != nil {
		return err
	}
	return d.Run(ctx)
}
