package azure_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// nothingLeft is what an uninstall does after an install, the daemon first.
var nothingLeft = []string{
	"helm uninstall aks-audit-log-go",
	"az monitor diagnostic-settings delete",
	"az role assignment delete",
	"az role assignment delete",
	"az identity delete",
	"az storage account delete",
	"az eventhubs namespace delete",
}

func TestAnUninstallRemovesWhatTheInstallMade(t *testing.T) {
	t.Parallel()
	d := installed(t)
	o := d.run("uninstall.sh", "", "--yes")
	o.mustSay(t, 0, "remove     the Event Hubs namespace aksaudit-prod-", "DEAD LETTERS", "of every cluster that sends there")
	assert.Equal(t, nothingLeft, beginnings(o.changes))

	o = d.run("uninstall.sh", "", "--yes")
	o.mustSay(t, 0, "There is nothing to remove.")
	assert.Empty(t, o.changes)
}

func TestAnUninstallAsksFirst(t *testing.T) {
	t.Parallel()
	d := installed(t)
	for _, answer := range []string{"", "no\n", "y\n", "YES\n"} {
		o := d.run("uninstall.sh", answer)
		o.mustSay(t, 1, "Type yes", "nothing was removed")
		assert.Empty(t, o.changes)
	}
	o := d.run("uninstall.sh", "yes\n")
	o.mustSay(t, 0)
	assert.Equal(t, nothingLeft, beginnings(o.changes))
}

func TestADryUninstallRemovesNothing(t *testing.T) {
	t.Parallel()
	d := installed(t)
	before := d.read().things(t)
	o := d.run("uninstall.sh", "", "--dry-run")
	o.mustSay(t, 0, "\nhelm uninstall", "\naz eventhubs namespace delete", "\n# az storage account list")
	assert.Empty(t, o.changes)
	assert.Equal(t, before, d.read().things(t))
}

func TestAnUninstallCanKeepTheData(t *testing.T) {
	t.Parallel()
	o := installed(t).run("uninstall.sh", "", "--yes", "--keep-data")
	o.mustSay(t, 0, "--keep-data")
	assert.Equal(t, nothingLeft[:5], beginnings(o.changes))
}

func TestAnUninstallLeavesWhatIsNotOfThisCluster(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tags map[string]any
		says string
	}{
		"without tags":                 {nil, "install.sh did not make it"},
		"with others' tags":            {map[string]any{"created-by": "terraform", "for-cluster": "group/prod"}, "install.sh did not make it"},
		"made for another cluster":     {map[string]any{"created-by": "aks-audit-log-go", "for-cluster": "group/other"}, "for another cluster"},
		"tagged by hand to be used":    {map[string]any{"created-by": "aks-audit-log-go"}, "somebody else did"},
		"with a tag that is not quite": {map[string]any{"created-by": "aks-audit-log-go-2", "for-cluster": "group/prod"}, "install.sh did not make it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := installed(t).with(func(w *world) {
				for _, list := range []string{"eventhubs namespace Group", "storage account Group", "identity Group"} {
					w.Things[list][0]["tags"] = c.tags
				}
			})
			o := d.run("uninstall.sh", "", "--yes")
			o.mustSay(t, 0, c.says)
			for _, list := range []string{"eventhubs namespace Group", "storage account Group", "identity Group"} {
				assert.Len(t, d.read().Things[list], 1, list)
			}
			assert.NotContains(t, beginnings(o.changes), "az role assignment delete")
		})
	}
}

func TestAnUninstallLeavesAReleaseAndASettingOfOthers(t *testing.T) {
	t.Parallel()
	d := installed(t).with(func(w *world) {
		w.Releases["aks-audit-log-go"] = `{"client-id":"of-another"}`
		for list, things := range w.Things {
			if len(things) == 1 && things[0]["name"] == "aks-audit-log-go" && things[0]["eventHubAuthorizationRuleId"] != "" {
				w.Things[list][0]["eventHubAuthorizationRuleId"] = "/subscriptions/x/namespaces/elsewhere/authorizationRules/r"
			}
		}
	})
	o := d.run("uninstall.sh", "", "--yes")
	o.mustSay(t, 0, "leave      the Helm release", "leave      the cluster's diagnostic setting")
	assert.Equal(t, nothingLeft[2:], beginnings(o.changes))
}

func TestAnUninstallWorksAfterTheClusterIsGone(t *testing.T) {
	t.Parallel()
	d := installed(t).with(func(w *world) { w.NoCluster = true })
	o := d.run("uninstall.sh", "", "--yes")
	o.mustSay(t, 0, "There is no cluster prod")
	assert.Equal(t, nothingLeft[2:], beginnings(o.changes))
}

func TestAFailingCommandStopsTheUninstall(t *testing.T) {
	t.Parallel()
	d := installed(t).with(func(w *world) {
		w.Failures = []failure{{"az identity delete", "(ScopeLocked) a lock is on it", 1}}
	})
	o := d.run("uninstall.sh", "", "--yes")
	o.mustSay(t, 1, "(ScopeLocked) a lock is on it", "run this again")
	assert.Equal(t, nothingLeft[:5], beginnings(o.changes))
	o = d.run("uninstall.sh", "", "--yes")
	o.mustSay(t, 0)
	assert.Equal(t, nothingLeft[4:], beginnings(o.changes))
}
