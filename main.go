// Command aks-audit-log-go forwards the Kubernetes audit events that AKS writes to an Azure Event Hub to Falco's
// k8saudit webhook. The environment holds the whole configuration; the command help lists its variables.
package main

import (
	"os"

	"aks-audit-log-go/internal/cli"
)

func main() { os.Exit(cli.Run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }
