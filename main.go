// Command aks-audit-log-go forwards the Kubernetes audit events that AKS writes to an Azure
// Event Hub to Falco's k8saudit webhook. All configuration is in the environment; "help" lists
// it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/daemon"
)

// The exit codes. docs/configuration.md lists them.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }

// run is the whole command; it returns the exit code.
func run(args, environ []string, stdout, stderr io.Writer) int {
	command, err := parse(args)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "aks-audit-log-go: %v (try: aks-audit-log-go help)\n", err)
		return exitUsage
	}
	switch command {
	case "version":
		err = printVersion(stdout)
	case "help":
		err = forwarder.Usage(stdout)
	default:
		return runDaemon(environ, stderr)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "aks-audit-log-go: %s: %v\n", command, err)
		return exitFailed
	}
	return exitOK
}

// parse finds the command: none is the daemon, and the commands may be given as flags too.
func parse(args []string) (string, error) {
	flags := flag.NewFlagSet("aks-audit-log-go", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	version := flags.Bool("version", false, "print the version")
	help := flags.Bool("help", false, "print every variable with its default")
	flags.BoolVar(help, "h", false, "the same")
	if err := flags.Parse(args); err != nil {
		return "", err
	}
	command := flags.Arg(0)
	switch {
	case flags.NArg() > 1:
		return "", fmt.Errorf("unexpected argument %q", flags.Arg(1))
	case *help:
		return "help", nil
	case *version:
		return "version", nil
	case command == "", command == "version", command == "help":
		return command, nil
	}
	return "", fmt.Errorf("unknown command %q", command)
}

func printVersion(out io.Writer) error {
	version, revision, goVersion := forwarder.BuildInfo()
	_, err := fmt.Fprintf(out, "aks-audit-log-go %s (revision %s, %s)\n", version, revision, goVersion)
	return err
}

// runDaemon forwards until SIGTERM or SIGINT. A second signal ends the process at once.
func runDaemon(environ []string, stderr io.Writer) int {
	cfg, err := forwarder.Load(environ)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "aks-audit-log-go: %v\n", err)
		return exitUsage
	}
	log := forwarder.NewLogger(cfg, stderr)
	for _, warning := range cfg.Warnings {
		log.Warn(warning)
	}
	eventhub.BridgeSDKLogs(log)
	limitMemory(os.LookupEnv, os.DirFS("/"))
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer restore()
	context.AfterFunc(ctx, restore)
	if err := forward(ctx, cfg, log); err != nil {
		log.WithError(err).Error("the daemon ends")
		return exitFailed
	}
	return exitOK
}

func forward(ctx context.Context, cfg forwarder.Config, log *logrus.Logger) error {
	d, err := daemon.New(ctx, cfg, log)
	if err != nil {
		return err
	}
	return d.Run(ctx)
}
