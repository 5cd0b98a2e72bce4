package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/admin"
	"aks-audit-log-go/internal/check"
	"aks-audit-log-go/internal/daemon"
)

// action runs a command after its flags are parsed. It writes results to out. log writes to standard error.
type action func(ctx context.Context, cfg forwarder.Config, out io.Writer, log *logrus.Logger) error

// commands has the commands that need the configuration. Each function declares the flags and returns the action.
var commands = map[string]func(*flag.FlagSet) action{
	"checkpoints show":   checkpointsShow,
	"checkpoints export": checkpointsExport,
	"deadletters list":   deadLettersList,
	"deadletters replay": deadLettersReplay,
}

// runCommand runs one of commands until it ends or a signal stops it, and returns the exit code.
func runCommand(name string, args, environ []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("aks-audit-log-go "+name, flag.ContinueOnError)
	act := commands[name](flags)
	if code, done := parseFlags(flags, args, stdout, stderr); done {
		return code
	}
	cfg, err := forwarder.Load(environ)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "aks-audit-log-go: %v\n", err)
		return exitUsage
	}
	log := daemon.NewLogger(cfg, stderr)
	ctx, restore := untilSignal(func(second os.Signal) {
		log.WithField("signal", second.String()).Error("ended at once by a second signal: " + name + " was not through")
	})
	defer restore()
	err = act(ctx, cfg, stdout, log)
	if err == nil {
		return exitOK
	}
	_, _ = fmt.Fprintf(stderr, "aks-audit-log-go: %s: %v\n", name, err)
	if errors.Is(err, admin.ErrMisused) {
		return exitUsage
	}
	return exitFailed
}

// parseFlags parses the flags of a command. done means that the command must end with the exit code, because the flags
// are wrong or only help was requested.
func parseFlags(flags *flag.FlagSet, args []string, stdout, stderr io.Writer) (code int, done bool) {
	var text bytes.Buffer // written by package flag: the error, and the flags of the command
	flags.SetOutput(&text)
	flags.Usage = func() { usageOf(flags, &text) }
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		_, _ = text.WriteTo(stdout)
		return exitOK, true
	case err != nil:
		_, _ = text.WriteTo(stderr)
		return exitUsage, true
	case flags.NArg() > 0:
		return misused(stderr, fmt.Errorf("unexpected argument %q", flags.Arg(0))), true
	}
	return exitOK, false
}

// usageOf prints the flags of a command.
func usageOf(flags *flag.FlagSet, out io.Writer) {
	_, _ = fmt.Fprintf(out, "Usage of %s:\n", flags.Name())
	flags.PrintDefaults()
	hasFlags := false
	flags.VisitAll(func(*flag.Flag) { hasFlags = true })
	if !hasFlags {
		_, _ = fmt.Fprintln(out, "  it takes no flags")
	}
	_, _ = fmt.Fprintln(out, "What it does, and the environment that it reads: aks-audit-log-go help")
}

// sameSignal is how long after the first signal further ones count as the same. A stop is often signalled twice: by
// Ctrl-C to the process group and by the program that started this one, or by an init process that passes it on.
const sameSignal = time.Second

// sayLimit bounds how long the last message may take: standard error may be a pipe that nobody reads.
const sayLimit = time.Second

// untilSignal returns a context that is done after SIGTERM or SIGINT. Another signal within sameSignal counts as the
// same. A later one ends the process at once with exit code 1, after say has said so. restore stops catching the
// signals.
func untilSignal(say func(second os.Signal)) (ctx context.Context, restore context.CancelFunc) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, stop := context.WithCancel(context.Background()) // it lives as long as the process works
	restored := make(chan struct{})
	go func() {
		if again := secondSignal(signals, stop, restored); again != nil {
			sayWithin(sayLimit, func() { say(again) })
			os.Exit(exitFailed)
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		close(restored)
		stop()
	})
}

// secondSignal calls stop at the first signal, and returns the first one after sameSignal. It returns nil once
// restored is closed.
func secondSignal(signals <-chan os.Signal, stop func(), restored <-chan struct{}) os.Signal {
	select {
	case <-signals:
	case <-restored:
		return nil
	}
	stop()
	for same := time.After(sameSignal); same != nil; {
		select {
		case <-signals:
		case <-same:
			same = nil
		case <-restored:
			return nil
		}
	}
	for len(signals) > 0 { // they came within sameSignal, while the machine was too busy to look at them
		<-signals
	}
	select {
	case again := <-signals:
		return again
	case <-restored:
		return nil
	}
}

// sayWithin calls say, and returns after the limit even if say does not.
func sayWithin(limit time.Duration, say func()) {
	said := make(chan struct{})
	go func() {
		defer close(said)
		say()
	}()
	select {
	case <-said:
	case <-time.After(limit):
	}
}

// runCheck runs the command check and returns the exit code. A wrong configuration is one of the parts that check
// reports, so its exit code differs from that of the other commands.
func runCheck(args, environ []string, stdout, stderr io.Writer) int {
	var options check.Options
	flags := flag.NewFlagSet("aks-audit-log-go check", flag.ContinueOnError)
	flags.BoolVar(&options.JSON, "json", false, "print one JSON object")
	flags.StringVar(&options.Only, "only", "", "try only these parts, separated by commas, such as event-hub,sink")
	flags.BoolVar(&options.Offline, "offline", false, "try only what needs no network; exit with 2 if it is wrong")
	if code, done := parseFlags(flags, args, stdout, stderr); done {
		return code
	}
	cfg, loadErr := forwarder.Load(environ)
	if loadErr == nil {
		daemon.NewLogger(cfg, stderr) // logs the messages of the SDKs
	}
	ctx, restore := untilSignal(func(os.Signal) {
		_, _ = fmt.Fprintln(stderr, "aks-audit-log-go: check: ended at once by a second signal")
	})
	defer restore()
	err := check.Run(ctx, cfg, loadErr, options, stdout)
	if err != nil && !errors.Is(err, check.ErrFailed) { // the report says which parts failed
		_, _ = fmt.Fprintf(stderr, "aks-audit-log-go: check: %v\n", err)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, check.ErrMisused), errors.Is(err, check.ErrFailed) && options.Offline:
		return exitUsage
	}
	return exitFailed
}

// checkpointsShow prints the checkpoints.
func checkpointsShow(flags *flag.FlagSet) action {
	asJSON := flags.Bool("json", false, "print JSON")
	return func(ctx context.Context, cfg forwarder.Config, out io.Writer, _ *logrus.Logger) error {
		return admin.ShowCheckpoints(ctx, cfg, *asJSON, out)
	}
}

// checkpointsExport writes the checkpoints in the spelling of another reader.
func checkpointsExport(flags *flag.FlagSet) action {
	var to eventhub.Scope
	const standard = "; as typed in the environment where it is not given"
	flags.StringVar(&to.Namespace, "namespace", "", "the spelling of the namespace's host name"+standard)
	flags.StringVar(&to.Hub, "hub", "", "the spelling of the event hub"+standard)
	flags.StringVar(&to.ConsumerGroup, "group", "", "the spelling of the consumer group"+standard)
	return func(ctx context.Context, cfg forwarder.Config, out io.Writer, _ *logrus.Logger) error {
		return admin.ExportCheckpoints(ctx, cfg, to, out)
	}
}

// deadLettersList prints the dead letters.
func deadLettersList(flags *flag.FlagSet) action {
	asJSON := flags.Bool("json", false, "print a JSON object a line")
	return func(ctx context.Context, cfg forwarder.Config, out io.Writer, _ *logrus.Logger) error {
		return admin.ListDeadLetters(ctx, cfg, *asJSON, out)
	}
}

// deadLettersReplay posts the dead letters to the sink and deletes those that it accepts.
func deadLettersReplay(flags *flag.FlagSet) action {
	var options admin.ReplayOptions
	flags.StringVar(&options.Reason, "reason", "", "replay only those with this reason")
	flags.BoolVar(&options.DryRun, "dry-run", false, "only print what would be sent")
	flags.BoolVar(&options.Force, "force", false, "send also what Falco cannot use, and drops without a word: for other sinks")
	return func(ctx context.Context, cfg forwarder.Config, out io.Writer, log *logrus.Logger) error {
		return admin.ReplayDeadLetters(ctx, cfg, options, out, log)
	}
}
