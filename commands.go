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
	"syscall"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/admin"
	"aks-audit-log-go/internal/check"
	"aks-audit-log-go/internal/daemon"
)

// action is what a command does once its flags are parsed. Results go to out; log is on standard
// error.
type action func(ctx context.Context, cfg forwarder.Config, out io.Writer, log *logrus.Logger) error

// commands are those that need the configuration. Each declares its flags and returns its action.
var commands = map[string]func(*flag.FlagSet) action{
	"checkpoints show":   checkpointsShow,
	"checkpoints export": checkpointsExport,
	"deadletters list":   deadLettersList,
	"deadletters replay": deadLettersReplay,
}

// runCommand runs one of commands until it is done, or a signal ends it.
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
	ctx, restore := untilSignal()
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

// parseFlags reads a command's flags. It is done, with an exit code, where these are wrong or only help is wanted.
func parseFlags(flags *flag.FlagSet, args []string, stdout, stderr io.Writer) (code int, done bool) {
	var said bytes.Buffer // what flag says itself: what is wrong, and the flags that there are
	flags.SetOutput(&said)
	flags.Usage = func() { usageOf(flags, &said) }
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		_, _ = said.WriteTo(stdout)
		return exitOK, true
	case err != nil:
		_, _ = said.WriteTo(stderr)
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
	some := false
	flags.VisitAll(func(*flag.Flag) { some = true })
	if !some {
		_, _ = fmt.Fprintln(out, "  it takes no flags")
	}
	_, _ = fmt.Fprintln(out, "What it does, and the environment that it reads: aks-audit-log-go help")
}

// untilSignal is a context that SIGTERM or SIGINT ends. A second signal ends the process at once.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, restore)
	return ctx, restore
}

// runCheck is the command check. A configuration that is wrong is a part that does not work, and so
// not the exit code of the other commands.
func runCheck(args, environ []string, stdout, stderr io.Writer) int {
	if code, done := parseFlags(flag.NewFlagSet("aks-audit-log-go check", flag.ContinueOnError), args, stdout, stderr); done {
		return code
	}
	cfg, wrong := forwarder.Load(environ)
	if wrong == nil {
		daemon.NewLogger(cfg, stderr) // for the messages of the SDKs
	}
	ctx, restore := untilSignal()
	defer restore()
	switch err := check.Run(ctx, cfg, wrong, stdout); {
	case errors.Is(err, check.ErrFailed): // the report says which parts
		return exitFailed
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "aks-audit-log-go: check: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func checkpointsShow(flags *flag.FlagSet) action {
	asJSON := flags.Bool("json", false, "print JSON")
	return func(ctx context.Context, cfg forwarder.Config, out io.Writer, _ *logrus.Logger) error {
		return admin.ShowCheckpoints(ctx, cfg, *asJSON, out)
	}
}

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

func deadLettersList(flags *flag.FlagSet) action {
	asJSON := flags.Bool("json", false, "print a JSON object a line")
	return func(ctx context.Context, cfg forwarder.Config, out io.Writer, _ *logrus.Logger) error {
		return admin.ListDeadLetters(ctx, cfg, *asJSON, out)
	}
}

func deadLettersReplay(flags *flag.FlagSet) action {
	var options admin.ReplayOptions
	flags.StringVar(&options.Reason, "reason", "", "replay only those with this reason")
	flags.BoolVar(&options.DryRun, "dry-run", false, "only print what would be sent")
	flags.BoolVar(&options.Force, "force", false, "send also what Falco cannot use, and drops without a word: for other sinks")
	return func(ctx context.Context, cfg forwarder.Config, out io.Writer, log *logrus.Logger) error {
		return admin.ReplayDeadLetters(ctx, cfg, options, out, log)
	}
}
