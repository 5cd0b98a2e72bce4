// Command demo runs the whole daemon without Azure. It starts an Event Hubs emulator, fills it with audit events as
// AKS writes them, runs the daemon's own code, and receives the events with a webhook in place of Falco. The webhook
// prints a line for each audit event.
//
//	go run ./internal/demo              until Ctrl-C
//	go run ./internal/demo -events 2000 until 2000 audit events have arrived
//
// At the end it prints how many audit events were appended, delivered, lost, and delivered twice. The exit code is 1
// if one was lost, and 2 if the arguments are wrong. The log level is warn; LOGLEVEL sets another one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// options are the demo's flags.
type options struct {
	// events is how many audit events to send. 0 sends until the demo is interrupted.
	events int
	// rate is how many audit events to send per second. 0 sends as fast as possible.
	rate int
	// stats is the address of the daemon's statistics server.
	stats string
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run runs the demo and returns its exit code.
func run(args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	if err != nil {
		return 2
	}
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer restore()
	// A second Ctrl-C ends the demo at once.
	context.AfterFunc(ctx, restore)
	result, err := play(ctx, opts, stdout, stderr)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "demo:", err)
		return 1
	}
	_, _ = fmt.Fprintln(stdout, result)
	return result.exitCode()
}

// parse parses the flags.
func parse(args []string, stderr io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&opts.events, "events", 0, "stop after so many audit events have arrived; 0 goes on until Ctrl-C")
	flags.IntVar(&opts.rate, "rate", 0, "audit events a second; 0 is 10, or with -events as fast as they go")
	flags.StringVar(&opts.stats, "stats", "127.0.0.1:0", "where the daemon serves its statistics; port 0 picks a free one")
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	if opts.events < 0 || opts.rate < 0 || flags.NArg() > 0 {
		flags.Usage()
		return opts, errors.New("wrong arguments")
	}
	if opts.events == 0 && opts.rate == 0 {
		opts.rate = 10
	}
	return opts, nil
}
