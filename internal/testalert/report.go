package testalert

import (
	"fmt"
	"io"
	"strings"
)

// The rule that raises an alert for the test event. Its text in
// https://github.com/falcosecurity/plugins/blob/main/plugins/k8saudit/rules/k8s_audit_rules.yaml is:
//
//   - rule: Attach to cluster-admin Role
//     condition: kevt and clusterrolebinding and kcreate and ka.req.binding.role=cluster-admin
//     output: Cluster Role Binding to cluster-admin role (user=%ka.user.name subject=%ka.req.binding.subjects)
//     priority: WARNING
//
// It uses the macros kevt (jevt.value[/stage] in (k8s_audit_stages), which is ResponseComplete alone),
// clusterrolebinding (ka.target.resource=clusterrolebindings) and kcreate (ka.verb=create). It reads no list of users.
const (
	rule     = "Attach to cluster-admin Role"
	priority = "Warning" // as Falco prints it
	output   = "Cluster Role Binding to cluster-admin role (user=%s subject=%s)"
	// secondRule raises an alert too if Falco tries all rules (rule_matching: all).
	secondRule = "K8s ClusterRoleBinding Created"
)

// report tells a user what to look for.
type report struct {
	sink  string
	event event
	// mind are the warnings, although the sink has accepted the event.
	mind []string
}

// sent returns the first line if the sink has accepted the event.
func (r report) sent() string {
	return fmt.Sprintf("✓ %s took the test event (auditID %s).\n", r.sink, r.event.AuditID)
}

// notSent returns the first lines if nothing was posted.
func (r report) notSent(text []byte) string {
	return fmt.Sprintf("– nothing was sent. test-alert would post this to %s:\n%s\n", r.sink, text)
}

// write writes the first lines, and then which alert to look for, and where.
func (r report) write(out io.Writer, first string) error {
	var text strings.Builder
	text.WriteString(first)
	for _, mind := range r.mind {
		fmt.Fprintf(&text, "  mind: %s\n", mind)
	}
	fmt.Fprintf(&text, `
Falco has to raise this alert for it within seconds, once:
  rule      %s
  priority  %s
  output    %s
  With rule_matching: all, %q (Info) comes as well.

Look on Falco's standard output, and wherever its other outputs go (falcosidekick: Slack, a SIEM, …):
  kubectl --namespace falco logs --selector app.kubernetes.io/name=falco --container falco --tail -1 | grep %s

If no alert comes: Falco has to load k8s_audit_rules.yaml (rules_files) with that rule enabled, to have a priority of
%s or lower, and to load the plugins k8saudit and json.
`, rule, priority, r.event.alert(), secondRule, name, priority)
	fmt.Fprintf(&text, "The event did not come through the event hub: this tried the way from here to the alert only. The way from AKS to here: "+
		"aks-audit-log-go check.\n")
	if _, err := io.WriteString(out, text.String()); err != nil {
		return fmt.Errorf("print what to look for: %w", err)
	}
	return nil
}
