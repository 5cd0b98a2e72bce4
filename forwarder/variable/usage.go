package variable

import (
	"fmt"
	"io"
	"strings"
)

const usageHead = `aks-audit-log-go forwards Kubernetes audit events of AKS from an Event Hub to Falco.

Usage:
  aks-audit-log-go                      run the daemon
  aks-audit-log-go check                try each part with this configuration and say what there is to do
                                        (-json, -only PARTS, -offline for CI)
  aks-audit-log-go tail                 print who does what in the clusters, a line an audit event, as it comes
                                        (-user, -verb, -resource, -namespace, -cluster, -since, -group, -o json)
  aks-audit-log-go checkpoints show     print how far each partition is, how much waits, and who owns it
  aks-audit-log-go checkpoints export   write the checkpoints in another spelling, for another reader
  aks-audit-log-go deadletters list     print the records that could not be delivered
  aks-audit-log-go deadletters show     print one of them: the reason, its place in the hub, and what it holds
  aks-audit-log-go deadletters replay   post them to the sink again and delete what it accepts
  aks-audit-log-go replay               send what the hub got in a stretch of time to a sink again
                                        (-from, -to, -group, -to-sink, -dry-run, -state)
  aks-audit-log-go test-alert           post a test event to the sink and say which alert Falco has to raise for it
  aks-audit-log-go version              print the version
  aks-audit-log-go completion SHELL     print the completion script for bash, zsh, fish or powershell
  aks-audit-log-go help [COMMAND]       print this, or what a command does

A command says with -h which flags it takes. They may begin with one dash or two.

Exit codes: 0 when all went well, 1 after a failure, 2 where the configuration or the command is wrong.

All configuration is in the environment. Names are matched whatever their case. For each
variable there is a NAME_FILE, which names a file with the value.
`

// Usage writes the text of the command help: the commands, and every variable with its default.
func Usage(w io.Writer) error {
	var text strings.Builder
	text.WriteString(usageHead)
	for _, v := range Table() {
		fmt.Fprintf(&text, "\n  %s (%s)\n      %s\n      Value: %s\n      Example: %s\n", v.Name, v.Standing(), v.Help, v.Wants, v.Example)
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return fmt.Errorf("write usage: %w", err)
	}
	return nil
}

// Standing returns whether a variable is required, or else its default.
func (v Variable) Standing() string {
	switch {
	case v.Need != Optional:
		return string(v.Need)
	case v.Default == "":
		return "default: " + v.DefaultMeans
	case v.DefaultMeans == "":
		return "default: " + v.Default
	default:
		return "default: " + v.Default + ", " + v.DefaultMeans
	}
}
