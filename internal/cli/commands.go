package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/internal/admin"
	"aks-audit-log-go/internal/check"
	"aks-audit-log-go/internal/daemon"
	"aks-audit-log-go/internal/replay"
)

// call is what an action gets.
type call struct {
	cfg  forwarder.Config
	args []string
	// out is for the results. log writes to standard error.
	out io.Writer
	log *logrus.Logger
}

// action runs a command that needs the configuration.
type action func(ctx context.Context, c call) error

// does makes a command run an action until the action ends or a signal stops it.
func (p program) does(cmd *cobra.Command, act action) *cobra.Command {
	if cmd.Args == nil {
		cmd.Args = noArguments
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
		return p.runAction(name, args, act).orNil()
	}
	return cmd
}

// runAction loads the configuration, runs an action, and returns the exit code.
func (p program) runAction(name string, args []string, act action) exitCode {
	cfg, err := forwarder.Load(p.environ)
	if err != nil {
		_, _ = fmt.Fprintf(p.stderr, "aks-audit-log-go: %v\n", err)
		return exitUsage
	}
	log := daemon.NewLogger(cfg, p.stderr)
	ctx, restore := untilSignal(func(second os.Signal) {
		log.WithField("signal", second.String()).Error("ended at once by a second signal: " + name + " was not finished")
	})
	defer restore()
	err = act(ctx, call{cfg: cfg, args: args, out: p.stdout, log: log})
	if err == nil {
		return exitOK
	}
	_, _ = fmt.Fprintf(p.stderr, "aks-audit-log-go: %s: %v\n", name, err)
	if errors.Is(err, admin.ErrMisused) || errors.Is(err, replay.ErrMisused) {
		return exitUsage
	}
	return exitFailed
}

// check returns the command that tries each part.
func (p program) check() *cobra.Command {
	var options check.Options
	cmd := &cobra.Command{
		Use: "check", Short: "try each part with this configuration and say what there is to do",
		Long: "check tries the configuration, the clock, the event hub, the consumer group, the storage and the sink. It disturbs no daemon and raises no alert.",
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return runCheck(options, p.environ, p.stdout, p.stderr).orNil() },
	}
	cmd.Flags().BoolVar(&options.JSON, "json", false, "print one JSON object")
	cmd.Flags().StringVar(&options.Only, "only", "", "try only these parts, separated by commas, such as event-hub,sink")
	cmd.Flags().BoolVar(&options.Offline, "offline", false, "try only what needs no network; exit with 2 if it is wrong")
	return cmd
}

// runCheck runs the command check, and returns the exit code. An invalid configuration is one of the failures that
// check reports, so its exit code differs from that of other commands.
func runCheck(options check.Options, environ []string, stdout, stderr io.Writer) exitCode {
	cfg, loadErr := forwarder.Load(environ)
	if loadErr == nil {
		daemon.NewLogger(cfg, stderr) // so that the messages of the SDKs are logged
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

// checkpointsShow returns the command that prints the checkpoints.
func (p program) checkpointsShow() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show", Short: "print how far each partition is, how much waits, and who owns it",
		Long: "show prints for each partition its checkpoints, the lag in hub events, and the owner. It changes nothing and disturbs no daemon.",
	}
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	return p.does(cmd, func(ctx context.Context, c call) error {
		return admin.ShowCheckpoints(ctx, c.cfg, *asJSON, c.out)
	})
}

// checkpointsExport returns the command that writes the checkpoints in the spelling of another reader.
func (p program) checkpointsExport() *cobra.Command {
	cmd := &cobra.Command{
		Use: "export", Short: "write the checkpoints in another spelling, for another reader",
		Long: "export writes the checkpoint of each partition as a blob in another spelling of its path, where another reader looks for it. " +
			"Stop the daemon before. A checkpoint is never moved back.",
	}
	var to eventhub.Scope
	const standard = "; default: as written in the environment"
	cmd.Flags().StringVar(&to.Namespace, "namespace", "", "the spelling of the namespace's host name"+standard)
	cmd.Flags().StringVar(&to.Hub, "hub", "", "the spelling of the event hub"+standard)
	cmd.Flags().StringVar(&to.ConsumerGroup, "group", "", "the spelling of the consumer group"+standard)
	return p.does(cmd, func(ctx context.Context, c call) error {
		return admin.ExportCheckpoints(ctx, c.cfg, to, c.out)
	})
}

// deadLettersList returns the command that prints the dead letters.
func (p program) deadLettersList() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "print the records that could not be delivered",
		Long: "list prints a line for each dead letter: its name, the reason, and which audit event it is. An object that cannot be read is always listed.",
		Example: "  aks-audit-log-go deadletters list -reason refused -since 24h\n" +
			"  aks-audit-log-go deadletters list -o json | jq -r 'select(.verb==\"create\") | .name'",
	}
	output := choice{value: admin.ListAsTable, of: []string{admin.ListAsTable, admin.ListAsWide, admin.ListAsJSON}}
	reason := choice{of: audit.DeadLetterReasons()}
	var from since
	cmd.Flags().VarP(&output, "output", "o", "the form: table, wide (more columns), or json (an object a line)")
	cmd.Flags().Var(&reason, "reason", "list only those with this reason: "+strings.Join(reason.of, ", "))
	cmd.Flags().Var(&from, "since", "list only those whose hub event was enqueued since then: a duration such as 24h, or a time such as 2026-03-01T00:00:00Z")
	asJSON := cmd.Flags().Bool("json", false, "the same as -o json")
	cmd.MarkFlagsMutuallyExclusive("json", "output")
	completeFlag(cmd, "output", output.of)
	completeFlag(cmd, "reason", reason.of)
	return p.does(cmd, func(ctx context.Context, c call) error {
		options := admin.ListOptions{Reason: reason.value, Since: from.at, Output: output.value}
		if *asJSON {
			options.Output = admin.ListAsJSON
		}
		return admin.ListDeadLetters(ctx, c.cfg, options, c.out)
	})
}

// deadLettersShow returns the command that prints one dead letter.
func (p program) deadLettersShow() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show NAME", Short: "print a dead letter: the reason, its place in the hub, and what it holds",
		Long: "show prints the dead letter of a name that deadletters list prints: the reason, where it stood in the hub, and the audit event. " +
			"Audit events may hold secrets.",
		Example: "  aks-audit-log-go deadletters show 0/4711-3-1772323200000.json\n" +
			"  aks-audit-log-go deadletters show 0/4711-3-1772323200000-0a1b2c3d.jsonl.gz:12",
		Args: oneArgument("name, as deadletters list prints it"),
	}
	asJSON := cmd.Flags().Bool("json", false, "print JSON, with the record as content, or as content_base64 if it is not text")
	return p.does(cmd, func(ctx context.Context, c call) error {
		return admin.ShowDeadLetter(ctx, c.cfg, c.args[0], *asJSON, c.out)
	})
}

// deadLettersReplay returns the command that posts the dead letters to the sink, and deletes those that it accepts.
func (p program) deadLettersReplay() *cobra.Command {
	cmd := &cobra.Command{
		Use: "replay", Short: "post the dead letters to the sink again and delete those that it accepts",
		Long: "replay posts the dead letters to the sink again, with the daemon's retries, and deletes those that the sink accepts.",
	}
	var options admin.ReplayOptions
	cmd.Flags().StringVar(&options.Reason, "reason", "", "replay only those with this reason")
	completeFlag(cmd, "reason", audit.DeadLetterReasons())
	cmd.Flags().BoolVar(&options.DryRun, "dry-run", false, "only print what would be sent")
	cmd.Flags().BoolVar(&options.Force, "force", false, "also send what Falco cannot use and silently drops: for other sinks")
	return p.does(cmd, func(ctx context.Context, c call) error {
		return admin.ReplayDeadLetters(ctx, c.cfg, options, c.out, c.log)
	})
}
