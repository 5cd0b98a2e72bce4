package cli

import (
	"context"

	"github.com/spf13/cobra"

	"aks-audit-log-go/internal/testalert"
)

// testAlert returns the command that posts a test event, for which Falco raises an alert.
func (p program) testAlert() *cobra.Command {
	cmd := &cobra.Command{
		Use: "test-alert", Short: "post a test event to the sink and say which alert Falco has to raise for it",
		Long: "test-alert posts one synthetic audit event to the sink, marked as such in its userAgent and in an annotation, and says which alert to look for: " +
			"that of the rule \"Attach to cluster-admin Role\". Nothing is bound. Tell those who watch the alerts before you run it. " +
			"The event does not come through the event hub, so this tries the way from here to the alert only.",
		Example: "  aks-audit-log-go test-alert\n  aks-audit-log-go test-alert -dry-run -o json | jq",
	}
	var options testalert.Options
	const asText, asJSON = "text", "json"
	output := choice{value: asText, of: []string{asText, asJSON}}
	cmd.Flags().VarP(&output, "output", "o", "the form: text, or json (the event alone)")
	completeFlag(cmd, "output", output.of)
	cmd.Flags().BoolVar(&options.DryRun, "dry-run", false, "only print what would be sent")
	return p.does(cmd, func(ctx context.Context, c call) error {
		options.JSON = output.value == asJSON
		return testalert.Run(ctx, c.cfg, options, c.out)
	})
}
