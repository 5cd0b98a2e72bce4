package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"aks-audit-log-go/forwarder/variable"
	"aks-audit-log-go/internal/gctune"
	"aks-audit-log-go/internal/replay"
)

// replay returns the command that sends what the hub got in a stretch of time to a sink again.
func (p program) replay() *cobra.Command {
	cmd := &cobra.Command{
		Use: "replay", Short: "send what the hub got in a stretch of time to a sink again",
		Long: `replay sends the audit events of a stretch of the hub's retention to a sink again, for new rules, or after an alert. Falco
raises its alerts again, with the times of the audit events.

-from and -to are compared with the time at which the event hub got an event, which is some time after the audit event's
own: give a few minutes more on both sides. What the hub got at -from is sent, what it got at -to is not.

It reads beside the daemon: it displaces no reader, and uses neither checkpoints nor the storage. The service lets it read
only in a consumer group in which no daemon reads: make one, and give it by -group. It unpacks and posts as the daemon
does, with the same retries, credentials and rate limit (RATELIMITEREVENTSPERSECONDS), and ends when the retries are used
up. The user agent of its requests ends in "replay". It is done when the sink can no longer lose what it was sent.

If it is interrupted, it prints the command line that continues it. With -state, a file keeps how far each partition is
confirmed: after a kill, give the same -from, -to and -state. Then nothing is left out, and little sent twice. Without
-state, it continues from a time, and more is sent twice.

What cannot be sent is not stored as a dead letter: it is counted, and listed if the sink refuses it. The exit code is 1
if the sink refused an audit event, or hub events were missing.`,
		Example: "  aks-audit-log-go replay -from 24h -group audit-reader -dry-run\n" +
			"  aks-audit-log-go replay -from 2026-03-01T08:00:00Z -to 2026-03-01T12:00:00Z -group audit-reader -state replay.json\n" +
			"  aks-audit-log-go replay -from 168h -to-sink http://falco-test:9765/k8s-audit -group audit-reader -state week.json",
		Args: noArguments,
	}
	var options replay.Options
	var from, to since
	cmd.Flags().Var(&from, "from", "send what the hub got since then: a duration ago such as 24h, or a time such as 2026-03-01T00:00:00Z")
	cmd.Flags().Var(&to, "to", "and before then; default: now")
	cmd.Flags().StringVar(&options.Group, "group", "", "the consumer group to read in; default: that of the daemon")
	cmd.Flags().StringVar(&options.SinkURL, "to-sink", "", "the sink, in place of "+variable.SinkURL+"; the token and certificates for that are used for this one")
	cmd.Flags().BoolVar(&options.DryRun, "dry-run", false, "read and unpack, send nothing, and say what would be sent")
	cmd.Flags().StringVar(&options.StateFile, "state", "", "a file that keeps how far the replay is, to go on after an interruption")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "state")
	if err := cmd.MarkFlagRequired("from"); err != nil {
		panic(err) // the flag is not declared
	}
	cmd.RunE = func(*cobra.Command, []string) error {
		options.From, options.To = from.at, to.at
		if options.SinkURL != "" {
			p.environ = withSink(p.environ, options.SinkURL)
		}
		if err := gctune.Apply(); err != nil { // a replay reads as much as the daemon
			return err
		}
		return p.runAction("replay", nil, func(ctx context.Context, c call) error {
			return replay.Run(ctx, c.cfg, options, c.out, p.stderr, c.log)
		}).orNil()
	}
	return cmd
}

// withSink returns the environment with another sink. It is then checked like the daemon's sink.
func withSink(environ []string, url string) []string {
	others := slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		name = strings.ToUpper(name)
		return name == variable.SinkURL || name == variable.SinkURL+"_FILE"
	})
	return append(others, variable.SinkURL+"="+url)
}
