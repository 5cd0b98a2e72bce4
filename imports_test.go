package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const modulePath = "aks-audit-log-go"

// mayImport says which packages of the module each package may import, besides the packages in internal/ that import
// none of these. So nothing imports upwards, and there is no cycle.
var mayImport = map[string][]string{
	".":                {"internal/cli"},
	"internal/cli":     {"eventhub", "forwarder", "forwarder/audit", "forwarder/variable", "internal/admin", "internal/check", "internal/daemon", "internal/replay", "internal/tail", "internal/testalert"},
	"internal/daemon":  {"eventhub", "eventhub/consumer", "eventhub/hubclient", "eventhub/hubclient/sdklog", "eventhub/storage", "forwarder", "forwarder/backlog", "forwarder/health", "forwarder/history", "forwarder/metrics", "forwarder/status", "webhook", "webhook/advice"},
	"internal/check":   {"eventhub", "eventhub/advice", "eventhub/hubclient", "eventhub/partition", "eventhub/storage", "eventhub/storage/blob", "eventhub/storage/dir", "eventhub/unpack", "forwarder", "forwarder/audit", "forwarder/connstr", "forwarder/health", "forwarder/metrics", "forwarder/variable", "webhook", "webhook/advice"},
	"internal/admin":   {"eventhub", "eventhub/hubclient", "eventhub/partition", "eventhub/storage", "eventhub/storage/blob", "eventhub/unpack", "forwarder", "forwarder/audit", "internal/resend"},
	"internal/resend":  {"eventhub", "forwarder", "forwarder/health", "forwarder/metrics", "webhook"},
	"internal/replay":  {"eventhub", "eventhub/unpack", "eventhub/unpack/shapes", "forwarder", "forwarder/audit", "internal/beside", "internal/resend"},
	"internal/beside":  {"eventhub", "eventhub/advice", "eventhub/hubclient", "eventhub/unpack", "forwarder"},
	"internal/tail":    {"eventhub/unpack", "eventhub/unpack/shapes", "forwarder", "forwarder/audit", "internal/beside"},
	"webhook":          {"forwarder", "forwarder/audit", "forwarder/health", "forwarder/metrics", "httpclient", "webhook/advice", "webhook/barrier", "webhook/body", "webhook/confirm", "webhook/intermediary", "webhook/pace", "webhook/turn"},
	"webhook/confirm":  {"httpclient", "webhook/barrier", "webhook/habit", "webhook/queue"},
	"httpclient":       {},
	"forwarder/status": {"forwarder", "forwarder/audit", "forwarder/health", "forwarder/history", "forwarder/metrics", "forwarder/status/page", "forwarder/variable"},

	"internal/testalert": {"forwarder", "forwarder/audit", "forwarder/health", "forwarder/metrics", "webhook", "webhook/advice"},

	"eventhub/consumer":         {"eventhub", "eventhub/advice", "eventhub/partition", "forwarder", "forwarder/health", "forwarder/metrics"},
	"eventhub/partition":        {"eventhub", "eventhub/checkpoint", "eventhub/deadletters", "eventhub/unpack", "forwarder", "forwarder/audit", "forwarder/health", "forwarder/metrics"},
	"eventhub/checkpoint":       {"eventhub", "forwarder/metrics"},
	"eventhub/deadletters":      {"eventhub", "forwarder/health"},
	"eventhub/unpack":           {"eventhub", "eventhub/unpack/cluster", "eventhub/unpack/inplace", "eventhub/unpack/jsonscan", "eventhub/unpack/rebuild", "eventhub/unpack/shapes", "forwarder", "forwarder/audit"},
	"eventhub/unpack/cluster":   {"eventhub/unpack/inplace", "eventhub/unpack/jsonscan"},
	"eventhub/unpack/inplace":   {},
	"eventhub/unpack/jsonscan":  {},
	"eventhub/unpack/shapes":    {"eventhub/unpack/jsonscan"},
	"eventhub/hubclient":        {"eventhub", "eventhub/azauth", "eventhub/hubclient/sdklog", "forwarder"},
	"eventhub/hubclient/sdklog": {"eventhub/azauth"},
	"eventhub/advice":           {"forwarder", "forwarder/connstr"},
	"eventhub/azauth":           {"eventhub"},
	"eventhub/storage":          {"eventhub", "eventhub/storage/blob", "eventhub/storage/dir", "forwarder"},
	"eventhub/storage/blob":     {"eventhub", "eventhub/azauth", "forwarder", "forwarder/connstr"},
	"eventhub/storage/dir":      {"eventhub"},
	"eventhub":                  {"forwarder", "forwarder/audit"},

	"eventhub/unpack/rebuild":     {"eventhub/unpack/jsonscan", "eventhub/unpack/requestinfo"},
	"eventhub/unpack/requestinfo": {},

	"forwarder/metrics":     {"forwarder", "forwarder/audit"},
	"forwarder/backlog":     {"forwarder/audit", "forwarder/metrics"},
	"forwarder/health":      {},
	"forwarder/history":     {"forwarder/audit", "forwarder/metrics"},
	"forwarder/status/page": {},
	"forwarder":             {"forwarder/audit", "forwarder/connstr", "forwarder/variable"},
	"forwarder/audit":       {},
	"forwarder/connstr":     {},
	"forwarder/variable":    {},

	"webhook/advice":       {"forwarder", "httpclient"},
	"webhook/barrier":      {},
	"webhook/body":         {"forwarder/audit"},
	"webhook/habit":        {},
	"webhook/intermediary": {},
	"webhook/pace":         {},
	"webhook/queue":        {},
	"webhook/turn":         {},
}

// mayUseAzure are the packages that may import an Azure SDK.
var mayUseAzure = []string{"eventhub/azauth", "eventhub/hubclient", "eventhub/hubclient/sdklog", "eventhub/storage/blob"}

// goPackage is a package as `go list -json` describes it. Its imports do not include those of its tests.
type goPackage struct {
	ImportPath    string
	Imports, Deps []string
}

// name returns the path of the package in the module, or "." for the command.
func (p goPackage) name() string { return name(p.ImportPath) }

func name(path string) string {
	if path == modulePath {
		return "."
	}
	return strings.TrimPrefix(path, modulePath+"/")
}

// forTests reports whether a package serves only tests, the demo, or the generation of files.
func forTests(name string) bool {
	return strings.HasSuffix(name, "test") || strings.HasPrefix(name, "internal/hubtest/") || name == "internal/demo" || name == "internal/manpages" ||
		strings.HasPrefix(name, "deploy") || name == "scripts"
}

// listPackages returns the packages of the product.
func listPackages(t *testing.T) []goPackage {
	t.Helper()
	files(t, ".go") // go test would cache the result: it ignores files that only go list reads
	output, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...").Output()
	require.NoError(t, err)
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(output))); decoder.More(); {
		var p goPackage
		require.NoError(t, decoder.Decode(&p))
		if !forTests(p.name()) {
			packages = append(packages, p)
		}
	}
	require.Greater(t, len(packages), 20)
	return packages
}

func TestOnlyThreePackagesImportAnAzureSDK(t *testing.T) {
	for _, p := range listPackages(t) {
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, "github.com/Azure/") || strings.HasPrefix(imported, "github.com/devigned/") {
				assert.Contains(t, mayUseAzure, p.name(), "%s imports %s", p.name(), imported)
			}
		}
	}
}

func TestTheConsumerDoesNotKnowTheWebhook(t *testing.T) {
	for _, p := range listPackages(t) {
		for _, dependency := range p.Deps {
			if strings.HasPrefix(p.name()+"/", "eventhub/") {
				assert.False(t, strings.HasPrefix(name(dependency)+"/", "webhook/"), "%s depends on %s", p.name(), name(dependency))
			}
			if strings.HasPrefix(p.name()+"/", "webhook/") {
				assert.False(t, strings.HasPrefix(name(dependency)+"/", "eventhub/"), "%s depends on %s", p.name(), name(dependency))
			}
		}
	}
}

func TestNoPackageImportsUpwards(t *testing.T) {
	listed := map[string]bool{}
	for _, p := range listPackages(t) {
		listed[p.name()] = true
		allowed, known := mayImport[p.name()]
		helper := strings.HasPrefix(p.name(), "internal/") && !known
		require.True(t, known || helper, "%s has no place in mayImport", p.name())
		for _, imported := range p.Imports {
			target := name(imported)
			_, ranked := mayImport[target]
			if target == imported || strings.HasPrefix(target, "internal/") && !ranked {
				continue // of another module, or a helper
			}
			assert.True(t, slices.Contains(allowed, target), "%s imports %s", p.name(), target)
		}
	}
	for name := range mayImport {
		assert.True(t, listed[name], "%s is in mayImport, but does not exist", name)
	}
}

func TestTheBinaryDoesNotFormatManPages(t *testing.T) {
	for _, p := range listPackages(t) {
		assert.NotContains(t, p.Deps, "github.com/spf13/cobra/doc", p.name())
	}
}
