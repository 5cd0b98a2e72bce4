package azure_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// options are what follows an az command: each option with its values.
type options map[string][]string

func (o options) get(name string) string {
	if len(o[name]) == 0 {
		return ""
	}
	return o[name][0]
}

// globalOptions are taken by every az command.
const globalOptions = "--subscription --only-show-errors --output --query"

// azOptions are the options of az's commands, as far as the scripts may use them, from "az COMMAND --help" of
// Azure CLI 2.45; the retention in hours from the source of a later one.
var azOptions = map[string]string{
	"account show":        "",
	"aks show":            "--resource-group --name",
	"aks list":            "--resource-group",
	"aks update":          "--resource-group --name --enable-oidc-issuer --enable-workload-identity",
	"aks get-credentials": "--resource-group --name --file",

	"eventhubs namespace list": "--resource-group",
	"eventhubs namespace show": "--resource-group --name",
	"eventhubs namespace create": "--resource-group --name --location --sku --capacity --enable-auto-inflate --maximum-throughput-units " +
		"--minimum-tls-version --disable-local-auth --tags",
	"eventhubs namespace delete":                    "--resource-group --name",
	"eventhubs namespace authorization-rule list":   "--resource-group --namespace-name",
	"eventhubs namespace authorization-rule create": "--resource-group --namespace-name --name --rights",
	"eventhubs eventhub list":                       "--resource-group --namespace-name",
	"eventhubs eventhub create":                     "--resource-group --namespace-name --name --partition-count --cleanup-policy --retention-time-in-hours",
	"eventhubs eventhub consumer-group list":        "--resource-group --namespace-name --eventhub-name",
	"eventhubs eventhub consumer-group create":      "--resource-group --namespace-name --eventhub-name --name --user-metadata",

	"storage account list": "--resource-group",
	"storage account show": "--resource-group --name",
	"storage account create": "--resource-group --name --location --sku --kind --min-tls-version --https-only --allow-blob-public-access " +
		"--allow-shared-key-access --tags",
	"storage account delete":      "--resource-group --name --yes",
	"storage container-rm list":   "--resource-group --storage-account",
	"storage container-rm create": "--resource-group --storage-account --name",

	"identity list":                        "--resource-group",
	"identity show":                        "--resource-group --name",
	"identity create":                      "--resource-group --name --location --tags",
	"identity delete":                      "--resource-group --name",
	"identity federated-credential list":   "--resource-group --identity-name",
	"identity federated-credential create": "--resource-group --identity-name --name --issuer --subject --audiences",

	"role assignment list":   "--assignee --role --scope",
	"role assignment create": "--assignee-object-id --assignee-principal-type --role --scope",
	"role assignment delete": "--assignee --role --scope",

	"monitor diagnostic-settings list":   "--resource",
	"monitor diagnostic-settings create": "--resource --name --event-hub --event-hub-rule --logs",
	"monitor diagnostic-settings delete": "--resource --name",
}

func parseOptions(command string, args []string) (options, error) {
	known, ok := azOptions[command]
	if !ok {
		return nil, fmt.Errorf("%w: '%s' is not in the 'az' command group", errUsage, command)
	}
	accepted := strings.Fields(known + " " + globalOptions)
	parsed, last := options{}, ""
	for _, arg := range args {
		if !strings.HasPrefix(arg, "--") {
			parsed[last] = append(parsed[last], arg)
			continue
		}
		if !slices.Contains(accepted, arg) {
			return nil, fmt.Errorf("%w: unrecognized arguments: %s", errUsage, arg)
		}
		last = arg
		parsed[last] = []string{}
	}
	return parsed, nil
}

// printTSV prints as az does (knack's output.py): each item of a list is a row, each item of a row a column,
// nothing is None, and a result that is nothing prints nothing.
func printTSV(out io.Writer, result any) error {
	if result == nil {
		return nil
	}
	rows, ok := result.([]any)
	if !ok {
		rows = []any{result}
	}
	for _, row := range rows {
		columns, nested := row.([]any)
		if !nested {
			columns = []any{row}
		}
		cells := []string{}
		for _, column := range columns {
			cells = append(cells, cell(column, nested))
		}
		if _, err := fmt.Fprintln(out, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return nil
}

// cell: a boolean is in lower case only where it is a row of its own.
func cell(value any, nested bool) string {
	switch v := value.(type) {
	case nil:
		return "None"
	case bool:
		if nested {
			return strings.ToUpper(fmt.Sprint(v)[:1]) + fmt.Sprint(v)[1:]
		}
	case map[string]any:
		return ""
	}
	return fmt.Sprint(value)
}
