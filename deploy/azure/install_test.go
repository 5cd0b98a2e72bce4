package azure_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everything is what a first install does, in the order that it is needed in.
var everything = []string{
	"az eventhubs namespace create",
	"az eventhubs eventhub create",
	"az eventhubs eventhub consumer-group create",
	"az eventhubs namespace authorization-rule create",
	"az storage account create",
	"az storage container-rm create",
	"az identity create",
	"az identity federated-credential create",
	"az role assignment create",
	"az role assignment create",
	"az monitor diagnostic-settings create",
	"helm upgrade",
}

func TestAFirstInstallMakesEverythingInOrder(t *testing.T) {
	t.Parallel()
	o := newDesk(t).run("install.sh", "")
	o.mustSay(t, 0, "Done.", "IncomingMessages")
	assert.NotContains(t, o.stdout, "is as it was")
	assert.Equal(t, everything, beginnings(o.changes))
	assert.Empty(t, o.stderr)
}

func TestASecondInstallChangesNothing(t *testing.T) {
	t.Parallel()
	d := installed(t)
	before := d.read().things(t)
	o := d.run("install.sh", "")
	o.mustSay(t, 0, "Done.", "The Helm release aks-audit-log-go was there and is as it was")
	assert.Empty(t, o.changes)
	assert.Equal(t, before, d.read().things(t))
}

func TestADryRunShowsWhatAnInstallDoesAndDoesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	before := d.read().things(t)
	dry := d.run("install.sh", "", "--dry-run")
	dry.mustSay(t, 0)
	assert.Empty(t, dry.changes)
	assert.Equal(t, before, d.read().things(t))
	for _, call := range dry.calls {
		assert.Contains(t, unquoted(dry.stdout), "# "+call, "each lookup is a comment")
	}

	real := d.run("install.sh", "")
	shown := regexp.MustCompile(`(?m)^[^#].*$`).FindAllString(dry.stdout, -1)
	require.Len(t, shown, len(real.changes))
	ids := strings.NewReplacer("<the identity's client id>", "client-of-"+identityName(real), "<the identity's principal id>", "principal-of-"+identityName(real))
	for i, line := range shown {
		assert.Equal(t, real.changes[i], ids.Replace(unquoted(line)), "what was shown is what is then done")
	}
}

// unquoted undoes the script's quoting of words; the fake's log has none.
func unquoted(line string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(line, `'\''`, "\x00"), "'", ""), "\x00", "'")
}

func identityName(o outcome) string {
	for _, call := range o.calls {
		if _, name, ok := strings.Cut(call, "identity create --resource-group Group --name "); ok {
			return strings.Fields(name)[0]
		}
	}
	return ""
}

func TestWhatIsMadeTakesNoKeysAndNoOldTLS(t *testing.T) {
	t.Parallel()
	o := newDesk(t).run("install.sh", "")
	namespace := o.call(t, "az eventhubs namespace create")
	assert.Contains(t, namespace, "--minimum-tls-version 1.2 --disable-local-auth true")
	storage := o.call(t, "az storage account create")
	assert.Contains(t, storage, "--min-tls-version TLS1_2 --https-only true --allow-blob-public-access false --allow-shared-key-access false")
	for _, made := range []string{namespace, storage, o.call(t, "az identity create")} {
		assert.Contains(t, made, "--tags created-by=aks-audit-log-go for-cluster=group/prod")
	}
	assert.Contains(t, o.call(t, "az eventhubs namespace authorization-rule create"), "--rights Send ", "the diagnostic setting's rule may not listen")
	rule := o.call(t, "az monitor diagnostic-settings create")
	assert.Regexp(t, `--event-hub insights-logs-kube-audit --event-hub-rule /subscriptions/\S+/authorizationRules/diagnostics-send `, rule)
	assert.Contains(t, rule, `--logs [{"category":"kube-audit","enabled":true}]`)
	for _, call := range o.calls {
		assert.NotContains(t, call, "keys list", "no key is read")
	}
}

func TestTheDaemonGetsTheIdentityAndTheEndpoints(t *testing.T) {
	t.Parallel()
	o := newDesk(t).run("install.sh", "", "--hub-namespace", "my-namespace", "--storage-account=mystorage", "--identity", "my-identity", "--values", "mine.yaml",
		"--image-repository", "registry.example/daemon", "--image-tag", "v1")
	release := o.call(t, "helm upgrade")
	for _, value := range []string{
		"--install aks-audit-log-go ", " --values mine.yaml ", "--namespace aks-audit-log-go --create-namespace",
		"workloadIdentity.enabled=true --set-string workloadIdentity.clientId=client-of-my-identity ",
		"serviceAccount.name=aks-audit-log-go ",
		// Else the registry of a released chart would stand before it.
		"--set-string image.registry= --set-string image.repository=registry.example/daemon --set-string image.tag=v1 ",
		"config.EVENTHUBNAMESPACE=my-namespace.servicebus.windows.net ",
		"config.EVENTHUBNAME=insights-logs-kube-audit ",
		"config.EVENTHUBCONSUMERGROUP=falco ",
		"config.BLOBSTORAGEURL=https://mystorage.blob.core.windows.net ",
		"config.BLOBCONTAINERNAME=aks-audit-log-go ",
		"config.WEBSINKURL=http://falco-k8saudit-webhook.falco.svc.cluster.local:9765/k8s-audit",
	} {
		assert.Contains(t, release+" ", value)
	}
	credential := o.call(t, "az identity federated-credential create")
	assert.Contains(t, credential, "--issuer "+issuer+" --subject system:serviceaccount:aks-audit-log-go:aks-audit-log-go --audiences api://AzureADTokenExchange")
	roles := strings.Join(o.changes, "\n")
	assert.Regexp(t, `--assignee-object-id principal-of-my-identity .*--role Azure Event Hubs Data Receiver --scope \S+/namespaces/my-namespace/eventhubs/insights-logs-kube-audit `, roles)
	assert.Regexp(t, `--role Storage Blob Data Contributor --scope \S+/storageAccounts/mystorage/blobServices/default/containers/aks-audit-log-go `, roles)
}

func TestWhatInstallDidNotMakeIsRefusedBeforeAnythingIsChanged(t *testing.T) {
	t.Parallel()
	setting := "monitor diagnostic-settings /subscriptions/" + subscription + "/resourceGroups/Group/providers/Microsoft.ContainerService/managedClusters/prod"
	elsewhere := map[string]any{"name": "AKS-audit-log-go", "eventHubAuthorizationRuleId": "/subscriptions/x/namespaces/other/authorizationRules/r"}
	for name, c := range map[string]struct {
		list  string
		thing map[string]any
		says  string
	}{
		"a namespace without tags":       {"eventhubs namespace Group", map[string]any{"name": "mine-1"}, "the Event Hubs namespace mine-1"},
		"a namespace with others' tags":  {"eventhubs namespace Group", map[string]any{"name": "mine-1", "tags": map[string]any{"created-by": "terraform"}}, "--hub-namespace"},
		"a namespace in capitals":        {"eventhubs namespace Group", map[string]any{"name": "MINE-1"}, "lacks the tag created-by=aks-audit-log-go"},
		"a storage account":              {"storage account Group", map[string]any{"name": "mine1"}, "--storage-account"},
		"an identity":                    {"identity Group", map[string]any{"name": "mine-1"}, "--identity"},
		"a diagnostic setting elsewhere": {setting, elsewhere, "sends to another place"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t).with(func(w *world) { w.Things[c.list] = append(w.Things[c.list], c.thing) })
			before := d.read().things(t)
			o := d.run("install.sh", "", "--hub-namespace", "mine-1", "--storage-account", "mine1", "--identity", "mine-1")
			o.mustSay(t, 1, c.says)
			assert.Empty(t, o.changes)
			assert.Equal(t, before, d.read().things(t))
		})
	}
}

func TestAReleaseThatInstallDidNotMakeIsRefused(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]string{"with other values": `{"config":{}}`, "of another identity": `{"client-id":"client-of-another"}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t).with(func(w *world) { w.Releases["aks-audit-log-go"] = values })
			o := d.run("install.sh", "")
			o.mustSay(t, 1, "the Helm release aks-audit-log-go", "--release")
			assert.Empty(t, o.changes)
		})
	}
}

func TestAReleaseWhoseInstallationFailedIsInstalledAgain(t *testing.T) {
	t.Parallel()
	d := installed(t).with(func(w *world) { w.Undeployed = []string{"aks-audit-log-go"} })
	o := d.run("install.sh", "")
	o.mustSay(t, 0)
	assert.Equal(t, []string{"helm upgrade"}, beginnings(o.changes))
}

func TestAReleaseThatWasCutOffInTheMiddleIsNamedWithTheWayOut(t *testing.T) {
	t.Parallel()
	cutOff := []string{"aks-audit-log-go"}
	d := installed(t).with(func(w *world) { w.Undeployed, w.Pending = cutOff, cutOff })
	o := d.run("install.sh", "")
	o.mustSay(t, 1, "\n  helm rollback aks-audit-log-go --namespace aks-audit-log-go\n", "\n  helm uninstall aks-audit-log-go ")
	assert.Empty(t, o.changes)
}

func TestAFailingCommandStopsTheInstallWhichThenGoesOnFromThere(t *testing.T) {
	t.Parallel()
	for i, command := range everything {
		if command == "az role assignment create" && everything[i-1] == command {
			continue
		}
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t).with(func(w *world) { w.Failures = []failure{{command, "(QuotaExceeded) no more of these", 1}} })
			o := d.run("install.sh", "")
			o.mustSay(t, 1, "(QuotaExceeded) no more of these", "from: "+command+" ", "run this again")
			assert.Equal(t, everything[:i+1], beginnings(o.changes), "nothing after it")
			o = d.run("install.sh", "")
			o.mustSay(t, 0)
			assert.Equal(t, everything[i:], beginnings(o.changes), "nothing twice")
		})
	}
}

func TestALookupThatFailsIsNotTakenForNothingThere(t *testing.T) {
	t.Parallel()
	d := newDesk(t).with(func(w *world) { w.Failures = []failure{{"az storage account list", "(AuthorizationFailed) no", 1}} })
	o := d.run("install.sh", "")
	o.mustSay(t, 1, "(AuthorizationFailed) no", "az storage account list")
	assert.Empty(t, o.changes)
}

func TestAnIdentityThatAzureDoesNotKnowYetGetsItsRolesLater(t *testing.T) {
	t.Parallel()
	d := newDesk(t).with(func(w *world) {
		w.Failures = []failure{{"az role assignment create", "(PrincipalNotFound) Principal abc does not exist in the directory", 3}}
	})
	o := d.run("install.sh", "")
	o.mustSay(t, 0)
	assert.Equal(t, 5, strings.Count(strings.Join(o.changes, "\n"), "az role assignment create"), "three that failed, two that did not")

	d = newDesk(t).with(func(w *world) {
		w.Failures = []failure{{"az role assignment create", "(AuthorizationFailed) you may not", 3}}
	})
	o = d.run("install.sh", "")
	o.mustSay(t, 1, "(AuthorizationFailed) you may not")
	assert.Equal(t, 1, strings.Count(strings.Join(o.changes, "\n"), "az role assignment create"), "who may not, may not in a minute either")

	d = newDesk(t).with(func(w *world) {
		w.Failures = []failure{{"az role assignment create", "(PrincipalNotFound) never", 1000}}
	})
	o = d.run("install.sh", "")
	o.mustSay(t, 1, "(PrincipalNotFound) never")
	assert.Equal(t, 30, strings.Count(strings.Join(o.changes, "\n"), "az role assignment create"), "not for ever")
}

func TestAClusterWithoutWorkloadIdentityIsChangedOnlyWhenTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ issuer, workload any }{
		"neither":      {nil, nil},
		"no issuer":    {nil, true},
		"issuer only":  {issuer, nil},
		"switched off": {issuer, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t).with(func(w *world) { w.Issuer, w.Workload = c.issuer, c.workload })
			update := "az aks update --resource-group Group --name prod --enable-oidc-issuer --enable-workload-identity"
			o := d.run("install.sh", "")
			o.mustSay(t, 1, update, "--enable-workload-identity")
			assert.Empty(t, o.changes)

			o = d.run("install.sh", "", "--enable-workload-identity")
			o.mustSay(t, 0)
			assert.Equal(t, append([]string{"az aks update"}, everything...), beginnings(o.changes))
			assert.Contains(t, o.call(t, "az identity federated-credential create"), "--issuer "+issuer)
		})
	}
}

func TestWhatIsMissingOnTheMachineIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.NoError(t, os.Remove(d.tools+"/helm"))
	require.NoError(t, os.Remove(d.tools+"/kubectl"))
	d.run("install.sh", "").mustSay(t, 1, "not installed: kubectl helm")
	d.run("install.sh", "", "--without-helm").mustSay(t, 0)

	d = newDesk(t).with(func(w *world) { w.LoggedOut = true })
	d.run("install.sh", "").mustSay(t, 1, "az login")

	d = newDesk(t).with(func(w *world) { w.OldAz = true })
	o := d.run("install.sh", "")
	o.mustSay(t, 1, "az upgrade")
	assert.Empty(t, o.changes)

	d = newDesk(t).with(func(w *world) { w.Services = nil })
	d.run("install.sh", "").mustSay(t, 0, "warning: the cluster has no Service falco-k8saudit-webhook in the namespace falco")
}

func TestAClusterCanSendToTheHubOfAnother(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.with(func(w *world) {
		w.Things["eventhubs namespace Central"] = []map[string]any{{"name": "central-audit", "tags": map[string]any{"created-by": "aks-audit-log-go", "for-cluster": "central/first"}}}
		w.Things["eventhubs eventhub Central central-audit"] = []map[string]any{{"name": "insights-logs-kube-audit"}}
		w.Things["eventhubs eventhub consumer-group Central central-audit insights-logs-kube-audit"] = []map[string]any{{"name": "falco"}}
		w.Things["eventhubs namespace authorization-rule Central central-audit"] = []map[string]any{{"name": "diagnostics-send"}}
		w.Workload = false
	})
	o := d.run("install.sh", "", "--send-only", "--hub-namespace", "central-audit", "--target-resource-group", "Central")
	o.mustSay(t, 0)
	assert.Equal(t, []string{"az monitor diagnostic-settings create"}, beginnings(o.changes))

	o = d.run("uninstall.sh", "", "--yes", "--hub-namespace", "central-audit", "--target-resource-group", "Central")
	o.mustSay(t, 0, "leave      the Event Hubs namespace central-audit")
	assert.Equal(t, []string{"az monitor diagnostic-settings delete"}, beginnings(o.changes))

	newDesk(t).run("install.sh", "", "--send-only", "--hub-namespace", "central-audit").mustSay(t, 1, "there is no Event Hubs namespace central-audit")
}

// wrongValues are options with values that install.sh does not take.
var wrongValues = [][]string{
	{"--hub-namespace", "short"}, {"--hub-namespace", "Upper-case"}, {"--hub-namespace", "ends-with-"}, {"--hub-namespace", strings.Repeat("a", 51)},
	{"--storage-account", "with-dash"}, {"--storage-account", "ab"}, {"--storage-account", strings.Repeat("a", 25)},
	{"--container", "two--dashes"}, {"--container", "ab"}, {"--hub", "Upper"}, {"--consumer-group", "$Default"}, {"--identity", "a"},
	{"--partitions", "1"}, {"--partitions", "33"}, {"--partitions", "four"}, {"--retention-hours", "0"}, {"--retention-hours", "169"},
	{"--throughput-units", "0"}, {"--throughput-units", "41"}, {"--max-throughput-units", "41"}, {"--category", "guard"}, {"--local-auth", "maybe"},
	{"--sink-url", "falco:9765"},
}

func TestAWrongOptionIsRefusedBeforeAzureIsAsked(t *testing.T) {
	t.Parallel()
	for _, args := range append(slices.Clone(wrongValues), [][]string{{"--unknown", "x"}, {"--partitions"}, {"--dry-run=yes"}, {"stray"}, {"--send-only"}}...) {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			o := newDesk(t).run("install.sh", "", args...)
			o.mustSay(t, 2, strings.SplitN(args[0], "=", 2)[0], "--help lists the options")
			assert.Empty(t, o.changes)
		})
	}
	newDesk(t).start("install.sh", "").mustSay(t, 2, "--resource-group is missing")
	newDesk(t).start("uninstall.sh", "", "--resource-group", "Group").mustSay(t, 2, "--cluster is missing")
}

// derive returns the names that the scripts derive from a cluster's.
func derive(t *testing.T, group, cluster string) string {
	t.Helper()
	script := t.TempDir() + "/derive.sh"
	text := fmt.Sprintf("set -eu; PROGRAM=x; . ./setup.sh; SUBSCRIPTION=s RESOURCE_GROUP=%s CLUSTER=%s; names; check_names\n", group, cluster) +
		`echo "hub=$HUB_NAMESPACE storage=$STORAGE_ACCOUNT identity=$IDENTITY"`
	require.NoError(t, os.WriteFile(script, []byte(text), 0o600))
	o := newDesk(t).start(script, "")
	require.Zero(t, o.code, o.stderr)
	return strings.TrimSpace(o.stdout)
}

func TestDerivedNamesAreWhatAzureTakesAndDifferForClustersOfOneName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("Very_Long-", 6) + "abc"
	for cluster, wants := range map[string]string{
		"prod":  `^hub=aksaudit-prod-[0-9a-f]{8} storage=aksauditprod[0-9a-f]{8} identity=aks-audit-log-go-prod-[0-9a-f]{8}$`,
		"A_b--": `^hub=aksaudit-a-b-[0-9a-f]{8} storage=aksauditab[0-9a-f]{8} identity=aks-audit-log-go-a-b-[0-9a-f]{8}$`,
		"1":     `^hub=aksaudit-1-[0-9a-f]{8} storage=aksaudit1[0-9a-f]{8} `,
		long:    `^hub=aksaudit-very-long-very-long-very-long-[0-9a-f]{8} storage=aksauditverylong[0-9a-f]{8} `,
	} {
		assert.Regexp(t, wants, derive(t, "g", cluster))
	}
	assert.NotEqual(t, derive(t, "one", "prod"), derive(t, "two", "prod"))
	assert.Equal(t, derive(t, "one", "prod"), derive(t, "ONE", "Prod"), "Azure does not tell these apart")
}

func TestHelpNamesEveryOption(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"install.sh", "uninstall.sh"} {
		o := newDesk(t).start(script, "", "--help")
		require.Zero(t, o.code, o.stderr)
		assert.Empty(t, o.calls)
		text, err := os.ReadFile(script)
		require.NoError(t, err)
		shared, err := os.ReadFile("setup.sh")
		require.NoError(t, err)
		for _, list := range regexp.MustCompile(`(?s)(?:SETTINGS|FLAGS)=['"](.*?)['"]`).FindAllStringSubmatch(string(text)+string(shared), -1) {
			for _, option := range regexp.MustCompile(`--[a-z-]+`).FindAllString(list[1], -1) {
				if option == "--help" || script == "uninstall.sh" && option == "--consumer-group" {
					continue
				}
				assert.Contains(t, o.stdout, option, script)
			}
		}
	}
}
