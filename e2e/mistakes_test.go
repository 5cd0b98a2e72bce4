package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/Azure/azure-storage-blob-go/azblob"
	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// mistake is one that people make when they set the daemon up.
type mistake struct {
	// make returns the settings with the mistake in them.
	make func(t *testing.T) harness.Settings
	// part is the part of check that fails.
	part string
	// says is what to do about it.
	says string
}

// mistakes are those that the emulated services can show. A proxy before the sink is in
// TestAProxyBeforeTheSinkIsSaidByLogCheckPageAndMetric, a wrong category in TestANameThatIsNoCategoryIsWarnedOf.
func mistakes() map[string]mistake {
	return map[string]mistake{
		"wrong group": {onHub(func(s harness.Settings, _ *hubtest.Server) { s["EVENTHUBCONSUMERGROUP"] = "falco" }), "consumer group", `create it (az eventhubs eventhub consumer-group create`},
		"wrong key": {
			onHub(func(s harness.Settings, hub *hubtest.Server) {
				s["EHUBNAMESPACECONNECTIONSTRING"] = wrongKey(hub.ConnectionString())
			}), "event hub", "it has to be that of a policy of this namespace or hub that may listen",
		},
		"expired SAS": {
			onHub(func(s harness.Settings, hub *hubtest.Server) {
				s["EHUBNAMESPACECONNECTIONSTRING"] = expiredHub(hub)["EHUBNAMESPACECONNECTIONSTRING"]
			}), "event hub", "make a new one",
		},
		"firewall": {onHub(func(_ harness.Settings, hub *hubtest.Server) { hub.RefuseConnections(true) }), "event hub", "look at network policies, firewalls"},
		"missing role": {
			func(t *testing.T) harness.Settings {
				t.Helper()
				k := startKeyless(t)
				k.hub.RevokeRole(true)
				return k.environ
			}, "event hub", `the role "Azure Event Hubs Data Receiver"`,
		},
		"missing container": {
			func(t *testing.T) harness.Settings {
				t.Helper()
				environ := onHub(func(harness.Settings, *hubtest.Server) {})(t)
				return environ.With(harness.Settings{"BLOBCONTAINERNAME": harness.NewBlobs(t).Name}).
					With(sasWith(t, azblob.AccountSASPermissions{Read: true, List: true}))
			}, "checkpoints", "make it, or permit creating containers",
		},
		"wrong path": {
			func(t *testing.T) harness.Settings {
				t.Helper()
				return onHub(func(harness.Settings, *hubtest.Server) {})(t).With(harness.Settings{"WEBSINKURL": harness.StartFalco(t).URL + "/"})
			}, "sink", "without a slash at the end",
		},
		"http for https": {
			func(t *testing.T) harness.Settings {
				t.Helper()
				sink := httptest.NewTLSServer(http.NotFoundHandler())
				t.Cleanup(sink.Close)
				plain := strings.Replace(sink.URL, "https://", "http://", 1)
				return onHub(func(harness.Settings, *hubtest.Server) {})(t).With(harness.Settings{"WEBSINKURL": plain})
			}, "sink", "begin WEBSINKURL with https://",
		},
	}
}

// onHub returns a mistake about a hub with one audit event, a storage and a sink that work otherwise.
func onHub(spoil func(harness.Settings, *hubtest.Server)) func(*testing.T) harness.Settings {
	return func(t *testing.T) harness.Settings {
		t.Helper()
		hub, s := harness.StartHub(t, 1), harness.StartSink(t)
		hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", 0)))
		environ := harness.BlobSettings(t, hub, harness.NewEmptyBlobs(t), s.URL).With(harness.Settings{"LOGLEVEL": "info"})
		spoil(environ, hub)
		return environ
	}
}

// Each mistake ends in words that say what to do: in check, in the log, on /readyz and on the status page.
func TestEachMistakeSaysWhatToDoInCheckLogProbeAndPage(t *testing.T) {
	t.Parallel()
	for name, m := range mistakes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ := m.make(t)
			code, report, _ := harness.RunToEnd(t, environ, "check", "-only", m.part)
			lines := checkLines(report)
			assert.Equal(t, 1, code)
			assert.Contains(t, lines[m.part], m.says, "check")
			assert.True(t, strings.HasPrefix(lines[m.part], "✗ "), lines[m.part])

			d := harness.StartDaemon(t, environ)
			d.AwaitReason(t, strings.ReplaceAll(m.says, `"`, `\"`))
			harness.Wait(t, func() bool {
				_, status := harness.Get(t.Context(), d.StatsURL+"/status.json")
				return strings.Contains(unescaped(status), strings.ReplaceAll(m.says, `"`, `\"`))
			}, "the page says it")
		})
	}
}
