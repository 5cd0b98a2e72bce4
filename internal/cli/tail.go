package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/tail"
)

// tail returns the command that prints the audit events when they arrive.
func (p program) tail() *cobra.Command {
	cmd := &cobra.Command{
		Use: "tail", Short: "print who does what in the clusters, a line an audit event, as it comes",
		Long: `tail prints a line for each audit event in the event hub: the time, the cluster, the user, the verb, the resource, and the
status code of the response. The time is the event's stageTimestamp, in UTC. It ends with Ctrl-C, and then says what it
has read and what of that was no audit event.

It reads all partitions beside the daemon: it displaces no reader, uses neither checkpoints nor the storage, and sends
nothing to the sink. The service lets it read only in a consumer group in which no daemon reads: make one, and give it
by -group. Up to five such readers may share a group.

The lines of a partition come in its order, those of several partitions as they arrive: "sort" puts them in the order of
time. The hub gets an event some time after its stageTimestamp, and -since compares the time at which the hub got it.

-user, -verb, -resource, -namespace and -cluster take patterns, separated by commas. In a pattern, * stands for any
characters and ? for one. Case does not matter. A pattern that begins with ! leaves out what it matches. The patterns of
-resource are like "pods", which also stands for all subresources, "pods/exec", "*/exec", "deployments.apps", or the path
of a request without a resource, such as "/healthz*". Those of -user are matched with an impersonated user too.

-o json prints an object a line with these names (time, cluster, user, impersonated_user, verb, api_group, resource,
subresource, namespace, name, path, code, stage, audit_id), its place in the hub (partition, sequence_number, record),
truncated if parts of the audit event are missing, and the audit event itself as event. Audit events may hold secrets.`,
		Example: "  aks-audit-log-go tail -group audit-reader -user '!system:*' -verb create,update,patch,delete\n" +
			"  aks-audit-log-go tail -group audit-reader -since 1h -resource secrets,pods/exec -namespace 'prod-*'\n" +
			"  aks-audit-log-go tail -group audit-reader -since 24h -o json | jq -r 'select(.code==403) | [.time,.user,.event.userAgent] | @tsv'",
	}
	var options tail.Options
	output := choice{value: "line", of: []string{"line", "json"}}
	var from since
	cmd.Flags().StringVar(&options.Group, "group", "", "the consumer group to read in; default: that of the daemon")
	cmd.Flags().Var(&from, "since", "begin with what the hub got since then: a duration such as 1h, or a time such as 2026-03-01T00:00:00Z; else only what is new")
	cmd.Flags().VarP(&output, "output", "o", "the form: line, or json (an object a line)")
	cmd.Flags().Var(&options.Users, "user", "print only what these users did, such as 'alice@*,!system:*'")
	cmd.Flags().Var(&options.Verbs, "verb", "print only these verbs, such as create,delete")
	cmd.Flags().Var(&options.Resources, "resource", "print only what was done to these resources, such as secrets,pods/exec")
	cmd.Flags().Var(&options.Namespaces, "namespace", "print only what was done in these namespaces")
	cmd.Flags().Var(&options.Clusters, "cluster", "print only what was done in these clusters")
	completeFlag(cmd, "output", output.of)
	return p.does(cmd, func(ctx context.Context, c call) error {
		options.Since, options.JSON, options.Colour = from.at, output.value == "json", p.coloured()
		counts, err := tail.Run(ctx, c.cfg, options, c.out, c.log)
		_, _ = fmt.Fprintf(p.stderr, "aks-audit-log-go: tail: %s\n", counts)
		return err
	})
}

// coloured reports whether standard output is a terminal that shows colours. It is false if the user does not want any
// (https://no-color.org).
func (p program) coloured() bool {
	out := p.stdout
	if watched, ok := out.(*watchedWriter); ok {
		out = watched.Writer
	}
	refused := slices.ContainsFunc(p.environ, func(variable string) bool {
		name, value, _ := strings.Cut(variable, "=")
		return name == "NO_COLOR" && value != "" || name == "TERM" && value == "dumb"
	})
	return forwarder.IsTerminal(out) && !refused
}
