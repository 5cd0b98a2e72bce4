// Command part is what surrounds the daemon in a benchmark, each part a process of its own, so that
// what is measured of the daemon is the daemon's:
//
//	part hub        the Event Hubs emulator
//	part sink       a webhook that counts audit events and forgets them
//	part straight   the straight loop: what forwarding costs without any guarantee
//	part discard    receives and discards
//	part post       posts the same EventList again and again
//
// A part prints one line of JSON (control.Announcement) when it serves, and ends with SIGTERM.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "part:", err)
		os.Exit(1)
	}
}

// options are the settings of all parts.
type options struct {
	partitions  int           // hub
	delay       time.Duration // sink: how long it takes for an answer
	connection  string        // straight, discard: the hub's connection string
	hub         string        // straight, discard: the hub's name
	url         string        // straight, post: the sink
	events      int           // straight, post: the most audit events in one POST
	posts       int           // post: how many in all
	connections int           // post: how many at once
	stdout      io.Writer
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	parts := map[string]func(context.Context, options) error{
		"hub": runHub, "sink": runSink, "straight": runStraight, "discard": runDiscard, "post": runPost,
	}
	if len(args) == 0 || parts[args[0]] == nil {
		return fmt.Errorf("which part? One of hub, sink, straight, discard, post")
	}
	o := options{stdout: stdout}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.IntVar(&o.partitions, "partitions", 4, "of the hub")
	flags.DurationVar(&o.delay, "delay", 0, "before the sink answers")
	flags.StringVar(&o.connection, "connection", "", "connection string of the hub")
	flags.StringVar(&o.hub, "hub", "", "name of the hub")
	flags.StringVar(&o.url, "url", "", "of the sink")
	flags.IntVar(&o.events, "events", 400, "audit events in one POST, at the most")
	flags.IntVar(&o.posts, "posts", 0, "in all")
	flags.IntVar(&o.connections, "connections", 4, "at once")
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("read the options of %s: %w", args[0], err)
	}
	return parts[args[0]](ctx, o)
}
