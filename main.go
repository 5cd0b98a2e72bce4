// Command aks-audit-log-go forwards the Kubernetes audit events that AKS writes to an Azure Event Hub to Falco's
// k8saudit webhook. All configuration is in the environment; the command help lists it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/variable"
	"aks-audit-log-go/internal/daemon"
	"aks-audit-log-go/internal/gctune"
)

// The exit codes. docs/configuration.md lists them.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }

// run runs the command that args name, or the daemon, and returns the exit code.
func run(args, environ []string, stdout, stderr io.Writer) int {
	name, args, err := parse(args)
	if err != nil {
		return misused(stderr, err)
	}
	switch name {
	case "version":
		err = printVersion(stdout)
	case "help":
		err = variable.Usage(stdout)
	case "":
		return runDaemon(environ, stderr)
	case "check":
		return runCheck(args, environ, stdout, stderr)
	default:
		return runCommand(name, args, environ, stdout, stderr)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "aks-audit-log-go: %s: %v\n", name, err)
		return exitFailed
	}
	return exitOK
}

// misused reports wrong arguments and returns the exit code.
func misused(stderr io.Writer, err error) int {
	_, _ = fmt.Fprintf(stderr, "aks-audit-log-go: %v (try: aks-audit-log-go help)\n", err)
	return exitUsage
}

// parse returns the command in args and the arguments that belong to it. The command is empty for the daemon. version
// and help may be flags too.
func parse(args []string) (command string, rest []string, err error) {
	flags := flag.NewFlagSet("aks-audit-log-go", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	version := flags.Bool("version", false, "print the version")
	help := flags.Bool("help", false, "print every variable with its default")
	flags.BoolVar(help, "h", false, "the same")
	if err := flags.Parse(args); err != nil {
		return "", nil, err
	}
	command, rest = flags.Arg(0), flags.Args()
	if len(rest) > 1 && commands[command+" "+rest[1]] != nil {
		return command + " " + rest[1], rest[2:], nil
	}
	switch group := commandsOf(command); {
	case command == "check":
		return command, rest[1:], nil
	case len(group) > 0:
		return "", nil, fmt.Errorf("%s needs one of %s behind it", command, strings.Join(group, ", "))
	case len(rest) > 1:
		return "", nil, fmt.Errorf("unexpected argument %q", rest[1])
	case *help:
		return "help", nil, nil
	case *version:
		return "version", nil, nil
	case command == "", command == "version", command == "help":
		return command, nil, nil
	}
	return "", nil, fmt.Errorf("unknown command %q", command)
}

// commandsOf returns the second words of the commands whose first word is group, sorted.
func commandsOf(group string) []string {
	var seconds []string
	for name := range commands {
		if first, second, _ := strings.Cut(name, " "); first == group {
			seconds = append(seconds, second)
		}
	}
	slices.Sort(seconds)
	return seconds
}

// printVersion prints the version, the commit, and the version of Go.
func printVersion(out io.Writer) error {
	version, revision, goVersion := forwarder.BuildInfo()
	_, err := fmt.Fprintf(out, "aks-audit-log-go %s (revision %s, %s)\n", version, revision, goVersion)
	return err
}

// runDaemon runs the daemon until SIGTERM or SIGINT, and returns the exit code. untilSignal says what a second signal
// does.
func runDaemon(environ []string, stderr io.Writer) int {
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
			"what was delivered since the last checkpoint will come again")
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
