package azure_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// variableOf are the module's variables by the options of install.sh. Options of the Helm release have none.
var variableOf = map[string]string{
	"--hub-namespace": "event_hub_namespace_name", "--hub": "event_hub_name", "--consumer-group": "consumer_group_name", "--category": "category",
	"--partitions": "partition_count", "--retention-hours": "retention_hours", "--throughput-units": "throughput_units",
	"--max-throughput-units": "maximum_throughput_units", "--local-auth": "local_authentication_enabled", "--storage-account": "storage_account_name",
	"--container": "container_name", "--identity": "identity_name", "--kubernetes-namespace": "kubernetes_namespace",
	"--service-account": "service_account_name", "--target-resource-group": "resource_group_name",
}

// evaluated is the module for the cluster of the desk, with the variables that the options stand for.
func evaluated(t *testing.T, args ...string) (*terraform, []string) {
	t.Helper()
	given := map[string]cty.Value{
		"resource_group_name": cty.StringVal("Group"), "location": cty.StringVal("westeurope"), "oidc_issuer_url": cty.StringVal(issuer),
		"cluster_id": cty.StringVal("/subscriptions/" + subscription + "/resourceGroups/Group/providers/Microsoft.ContainerService/managedClusters/" + clusterName),
	}
	for i := 0; i < len(args); i += 2 {
		name, value := variableOf[args[i]], args[i+1]
		require.NotEmpty(t, name, args[i])
		given[name] = cty.StringVal(value)
		if number, err := strconv.ParseInt(value, 10, 64); err == nil {
			given[name] = cty.NumberIntVal(number)
		} else if args[i] == "--local-auth" {
			given[name] = cty.BoolVal(value == "enabled")
		}
	}
	module := parseTerraform(t)
	return module, module.evaluate(given)
}

// names are given to both, since their check sums differ.
var names = []string{"--hub-namespace", "my-namespace", "--storage-account", "mystorage", "--identity", "my-identity"}

// TestTerraformMakesWhatInstallMakes: each resource with all its settings, with the defaults of both, and with each
// option changed.
func TestTerraformMakesWhatInstallMakes(t *testing.T) {
	t.Parallel()
	changed := append(slices.Clone(names), "--hub", "other-hub", "--consumer-group", "other-group", "--category", "kube-audit-admin", "--partitions", "8",
		"--retention-hours", "24", "--throughput-units", "2", "--max-throughput-units", "10", "--local-auth", "enabled", "--container", "other-container",
		"--kubernetes-namespace", "other-namespace", "--service-account", "other-account", "--target-resource-group", "Other")
	assert.Len(t, changed, 2*len(variableOf), "each option is changed")
	for name, args := range map[string][]string{"defaults": names, "changed": changed} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newDesk(t).run("install.sh", "", append([]string{"--dry-run"}, args...)...)
			require.Zero(t, o.code, o.stderr)
			module, refusals := evaluated(t, args...)
			require.Empty(t, refusals)
			want, got := map[string]any{}, map[string]any{}
			for _, line := range regexp.MustCompile(`(?m)^az .*$`).FindAllString(o.stdout, -1) {
				kind, settings := wantedOf(t, words(line))
				want[kind] = settings
			}
			for address, value := range module.known {
				if kind, _, _ := strings.Cut(address, "."); strings.HasPrefix(kind, "azurerm_") {
					settings := asJSON(t, value)
					for _, computed := range []string{"id", "primary_blob_endpoint", "client_id"} {
						delete(settings, computed)
					}
					if kind == "azurerm_user_assigned_identity" {
						delete(settings, "principal_id")
					}
					if role, ok := settings["role_definition_name"].(string); ok {
						kind += " " + role
					}
					require.NotContains(t, got, kind)
					got[kind] = settings
				}
			}
			assert.Len(t, got, 11)
			text, err := json.Marshal(want)
			require.NoError(t, err)
			shown, err := json.Marshal(got)
			require.NoError(t, err)
			assert.JSONEq(t, string(text), string(shown))
		})
	}
}

// wantedOf is what an az command of install.sh makes, as a resource of Terraform's.
func wantedOf(t *testing.T, command []string) (string, map[string]any) {
	t.Helper()
	at := slices.IndexFunc(command, func(word string) bool { return strings.HasPrefix(word, "-") })
	name := strings.Join(command[1:at], " ")
	o, err := parseOptions(name, command[at:])
	require.NoError(t, err)
	number := func(option string) any {
		value, err := strconv.Atoi(o.get(option))
		require.NoError(t, err, option)
		return value
	}
	tags := tagMap(o["--tags"])
	delete(tags, "for-cluster") // so that uninstall.sh leaves alone what Terraform made
	group, namespace := o.get("--resource-group"), o.get("--namespace-name")
	base := "/subscriptions/" + subscription + "/resourceGroups/" + group + "/providers/"
	switch name {
	case "eventhubs namespace create":
		settings := map[string]any{
			"name": o.get("--name"), "resource_group_name": group, "location": o.get("--location"), "sku": o.get("--sku"), "capacity": number("--capacity"),
			"minimum_tls_version": o.get("--minimum-tls-version"), "local_authentication_enabled": o.get("--disable-local-auth") == "false", "tags": tags,
			"auto_inflate_enabled": o.get("--enable-auto-inflate") == "true", "maximum_throughput_units": nil,
		}
		if o.get("--enable-auto-inflate") == "true" {
			settings["maximum_throughput_units"] = number("--maximum-throughput-units")
		}
		return "azurerm_eventhub_namespace", settings
	case "eventhubs eventhub create":
		return "azurerm_eventhub", map[string]any{
			"name": o.get("--name"), "namespace_id": base + "Microsoft.EventHub/namespaces/" + namespace, "partition_count": number("--partition-count"),
			"retention_description": map[string]any{"cleanup_policy": o.get("--cleanup-policy"), "retention_time_in_hours": number("--retention-time-in-hours")},
		}
	case "eventhubs eventhub consumer-group create":
		return "azurerm_eventhub_consumer_group", map[string]any{
			"name": o.get("--name"), "resource_group_name": group, "namespace_name": namespace, "eventhub_name": o.get("--eventhub-name"),
			"user_metadata": o.get("--user-metadata"),
		}
	case "eventhubs namespace authorization-rule create":
		may := func(right string) bool { return slices.Contains(o["--rights"], right) }
		return "azurerm_eventhub_namespace_authorization_rule", map[string]any{
			"name": o.get("--name"), "resource_group_name": group, "namespace_name": namespace, "listen": may("Listen"), "send": may("Send"), "manage": may("Manage"),
		}
	case "storage account create":
		tier, replication, _ := strings.Cut(o.get("--sku"), "_")
		return "azurerm_storage_account", map[string]any{
			"name": o.get("--name"), "resource_group_name": group, "location": o.get("--location"), "tags": tags,
			"account_kind": o.get("--kind"), "account_tier": tier, "account_replication_type": replication, "min_tls_version": o.get("--min-tls-version"),
			"https_traffic_only_enabled": o.get("--https-only") == "true", "allow_nested_items_to_be_public": o.get("--allow-blob-public-access") == "true",
			"shared_access_key_enabled": o.get("--allow-shared-key-access") == "true",
		}
	case "storage container-rm create":
		return "azurerm_storage_container", map[string]any{
			"name": o.get("--name"), "storage_account_id": base + "Microsoft.Storage/storageAccounts/" + o.get("--storage-account"),
		}
	case "identity create":
		return "azurerm_user_assigned_identity", map[string]any{
			"name": o.get("--name"), "resource_group_name": group, "location": o.get("--location"), "tags": tags,
		}
	case "identity federated-credential create":
		return "azurerm_federated_identity_credential", map[string]any{
			"name": o.get("--name"), "user_assigned_identity_id": base + "Microsoft.ManagedIdentity/userAssignedIdentities/" + o.get("--identity-name"),
			"issuer": o.get("--issuer"), "subject": o.get("--subject"), "audience": o["--audiences"],
		}
	case "role assignment create":
		return "azurerm_role_assignment " + o.get("--role"), map[string]any{
			"scope": o.get("--scope"), "role_definition_name": o.get("--role"), "principal_id": o.get("--assignee-object-id"),
			"principal_type": o.get("--assignee-principal-type"),
		}
	case "monitor diagnostic-settings create":
		var logs []map[string]any
		require.NoError(t, json.Unmarshal([]byte(o.get("--logs")), &logs))
		require.Len(t, logs, 1)
		require.Equal(t, true, logs[0]["enabled"])
		return "azurerm_monitor_diagnostic_setting", map[string]any{
			"name": o.get("--name"), "target_resource_id": o.get("--resource"), "eventhub_name": o.get("--event-hub"),
			"eventhub_authorization_rule_id": o.get("--event-hub-rule"), "enabled_log": map[string]any{"category": logs[0]["category"]},
		}
	}
	require.Fail(t, "install.sh makes what the module does not", name)
	return "", nil
}

// words takes a line of the script apart; it quotes with single quotes only.
func words(line string) []string {
	var all []string
	for _, match := range regexp.MustCompile(`(?:'[^']*'|\\'|[^\s'\\])+`).FindAllString(line, -1) {
		all = append(all, unquoted(match))
	}
	return all
}

// asJSON is a value as JSON has it.
func asJSON(t *testing.T, value cty.Value) map[string]any {
	t.Helper()
	text, err := ctyjson.Marshal(value, value.Type())
	require.NoError(t, err)
	all := map[string]any{}
	require.NoError(t, json.Unmarshal(text, &all))
	return all
}

func TestTerraformGivesTheChartTheValuesThatInstallGives(t *testing.T) {
	t.Parallel()
	o := newDesk(t).run("install.sh", "", append([]string{"--dry-run"}, names...)...)
	require.Zero(t, o.code, o.stderr)
	line := regexp.MustCompile(`(?m)^helm upgrade .*$`).FindString(o.stdout)
	want := map[string]any{}
	sink := ""
	for _, word := range words(line) {
		path, value, isValue := strings.Cut(word, "=")
		switch {
		case !isValue || strings.HasPrefix(path, "image."):
		case path == "config.WEBSINKURL":
			sink = value
		default:
			top, name, _ := strings.Cut(path, ".")
			if want[top] == nil {
				want[top] = map[string]any{}
			}
			values, ok := want[top].(map[string]any)
			require.True(t, ok)
			values[name] = value
		}
	}
	identity, ok := want["workloadIdentity"].(map[string]any)
	require.True(t, ok)
	identity["enabled"] = identity["enabled"] == "true"
	module, refusals := evaluated(t, names...)
	require.Empty(t, refusals)
	assert.Equal(t, want, asJSON(t, module.known["output.helm_values"]))

	values, err := os.ReadFile("../helm/aks-audit-log-go/values.yaml")
	require.NoError(t, err)
	assert.Contains(t, string(values), "\n  WEBSINKURL: "+sink+"\n", "the module leaves it out: the chart has it by default")
}

// TestTerraformDerivesNamesAsInstallDoes: all but the check sum.
func TestTerraformDerivesNamesAsInstallDoes(t *testing.T) {
	t.Parallel()
	sum := regexp.MustCompile(`[0-9a-f]{8}( |$)`)
	for _, cluster := range []string{"prod", "A_b--", "1", strings.Repeat("Very_Long-", 6) + "abc"} {
		module := parseTerraform(t)
		require.Empty(t, module.evaluate(map[string]cty.Value{
			"resource_group_name": cty.StringVal("g"), "location": cty.StringVal("westeurope"), "oidc_issuer_url": cty.StringVal(issuer),
			"cluster_id": cty.StringVal("/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/" + cluster),
		}))
		text := func(address string) string { return asJSON(t, module.known[address])["name"].(string) }
		got := "hub=" + text("azurerm_eventhub_namespace.this") + " storage=" + text("azurerm_storage_account.this") + " identity=" + text("azurerm_user_assigned_identity.this")
		assert.Regexp(t, `^hub=\S+[0-9a-f]{8} storage=\S+[0-9a-f]{8} identity=\S+[0-9a-f]{8}$`, got)
		assert.Equal(t, sum.ReplaceAllString(derive(t, "g", cluster), "SUM$1"), sum.ReplaceAllString(got, "SUM$1"))
	}
}

func TestTerraformRefusesWhatInstallRefuses(t *testing.T) {
	t.Parallel()
	for _, args := range wrongValues {
		if variableOf[args[0]] == "" || args[0] == "--local-auth" { // a bool, which Terraform checks by its type
			continue
		}
		value := args[1]
		if value == "four" { // a number, by its type too
			continue
		}
		_, refusals := evaluated(t, args...)
		require.Len(t, refusals, 1, "%s %s", args[0], value)
		said := newDesk(t).run("install.sh", "", args...).stderr
		rule := strings.TrimSuffix(strings.TrimPrefix(refusals[0], "It should be "), ".")
		assert.Contains(t, said, "it should be "+rule, "both say the same of it")
	}
	module := parseTerraform(t)
	refusals := module.evaluate(map[string]cty.Value{
		"resource_group_name": cty.StringVal("g"), "location": cty.StringVal("w"), "oidc_issuer_url": cty.StringVal(""), "cluster_id": cty.StringVal("prod"),
	})
	assert.Len(t, refusals, 2, "%s", refusals)
}

func TestTerraformsReadmeHasEachVariableWithItsDefaultAndEachOutput(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(terraformFolder + "/README.md")
	require.NoError(t, err)
	text := strings.Join(strings.Fields(string(content)), " ") + " "
	module := parseTerraform(t)
	for name, block := range module.variables {
		fallback := "required"
		if attribute, has := block.Body.Attributes["default"]; has {
			value := module.value(attribute.Expr)
			written, err := ctyjson.Marshal(value, value.Type())
			require.NoError(t, err)
			fallback = "default `" + strings.Trim(string(written), `"`) + "`"
		}
		description := module.value(block.Body.Attributes["description"].Expr).AsString()
		assert.Regexp(t, regexp.QuoteMeta("- `"+name+"` ("+fallback+"): "+description)+" (?:-|##) ", text)
	}
	outputs := 0
	for address := range maps.Keys(module.expressions) {
		if name, isOutput := strings.CutPrefix(address, "output."); isOutput {
			outputs++
			assert.Contains(t, text, "- `"+name+"`: ")
		}
	}
	assert.Greater(t, outputs, 3)
}

// TestTheModuleIsFormatted as "terraform fmt" does it, which is there on few machines.
func TestTheModuleIsFormatted(t *testing.T) {
	t.Parallel()
	for path, source := range terraformFiles(t) {
		assert.Equal(t, string(hclwrite.Format(source)), string(source), path)
	}
}
