package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-storage-blob-go/azblob"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// mistake is a common mistake in setting up the daemon.
type mistake struct {
	// make returns settings with the mistake.
	make func(t *testing.T) harness.Settings
	// part is the part of check that fails.
	part string
	// says is the advice.
	says string
	// because is what /readyz and the page say before the advice, if it is not part of says.
	because string
	// ready is whether /readyz answers 200, because the daemon does everything that it can and no other replica could
	// do more.
	ready bool
}

// mistakes are the ten mistakes of the set-up, as the emulated services show them, and a second one about a proxy.
func mistakes() map[string]mistake {
	return map[string]mistake{
		"wrong group": {
			make: onHub(func(s harness.Settings, _ *hubtest.Server) { s["EVENTHUBCONSUMERGROUP"] = "falco" }),
			part: "consumer group", says: `create it (az eventhubs eventhub consumer-group create`,
		},
		"wrong key": {
			make: onHub(func(s harness.Settings, hub *hubtest.Server) {
				s["EHUBNAMESPACECONNECTIONSTRING"] = wrongKey(hub.ConnectionString())
			}), part: "event hub", says: "give the key of a policy of this namespace or hub that may listen",
		},
		"expired SAS": {
			make: onHub(func(s harness.Settings, hub *hubtest.Server) {
				s["EHUBNAMESPACECONNECTIONSTRING"] = expiredHub(hub)["EHUBNAMESPACECONNECTIONSTRING"]
			}), part: "event hub", says: "make a new one",
		},
		"firewall": {
			make: onHub(func(_ harness.Settings, hub *hubtest.Server) { hub.RefuseConnections(true) }),
			part: "event hub", says: "look at network policies, firewalls",
		},
		"missing role": {
			make: func(t *testing.T) harness.Settings {
				t.Helper()
				k := startKeyless(t)
				k.hub.RevokeRole(true)
				return k.environ
			}, part: "event hub", says: `the role "Azure Event Hubs Data Receiver"`,
		},
		"missing container": {
			make: func(t *testing.T) harness.Settings {
				t.Helper()
				environ := onHub(func(harness.Settings, *hubtest.Server) {})(t)
				return environ.With(harness.Settings{"BLOBCONTAINERNAME": harness.NewBlobs(t).Name}).
					With(sasWith(t, azblob.AccountSASPermissions{Read: true, List: true}))
			}, part: "checkpoints", says: "create it, or permit creating containers",
		},
		"wrong path": {
			make: func(t *testing.T) harness.Settings {
				t.Helper()
				return onHub(func(harness.Settings, *hubtest.Server) {})(t).With(harness.Settings{"WEBSINKURL": harness.StartFalco(t).URL + "/"})
			}, part: "sink", says: "without a slash at the end",
		},
		"http for https": {
			make: func(t *testing.T) harness.Settings {
				t.Helper()
				sink := httptest.NewTLSServer(http.NotFoundHandler())
				t.Cleanup(sink.Close)
				plain := strings.Replace(sink.URL, "https://", "http://", 1)
				return onHub(func(harness.Settings, *hubtest.Server) {})(t).With(harness.Settings{"WEBSINKURL": plain})
			}, part: "sink", says: "begin WEBSINKURL with https://",
		},
		"proxy": {
			make: func(t *testing.T) harness.Settings {
				t.Helper()
				proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Via", "1.1 squid")
					http.Error(w, "The requested URL could not be retrieved", http.StatusServiceUnavailable)
				}))
				t.Cleanup(proxy.Close)
				return throughProxy(t, proxy.URL)
			}, part: "sink", says: addToNoProxy, because: "the sink does not take audit events: the sink answered 503 Service Unavailable",
		},
		"proxy that is not there": {
			make: func(t *testing.T) harness.Settings {
				t.Helper()
				return throughProxy(t, "http://"+harness.FreeAddress(t))
			},
			part: "sink", says: addToNoProxy, because: "the sink does not take audit events: proxyconnect tcp",
		},
		"wrong category": {make: ofOtherCategories, part: "events", says: "add kube-audit or kube-audit-admin to the diagnostic setting", ready: true},
	}
}

// onHub returns a mistake with a hub that has one audit event, a storage and a sink. All else works.
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

// addToNoProxy is the advice about an HTTP proxy on the way to a sink in the cluster.
const addToNoProxy = "if Falco is in this cluster, write its host as <service>.<namespace>.svc in WEBSINKURL, or add the host to NO_PROXY"

// throughProxy returns the settings of a daemon that reaches its sink through a proxy, as AKS configures it in all
// pods.
func throughProxy(t *testing.T, proxy string) harness.Settings {
	t.Helper()
	return onHub(func(s harness.Settings, _ *hubtest.Server) {
		s["WEBSINKURL"], s["HTTP_PROXY"] = "http://falco.example.com:9765/k8s-audit", proxy
	})(t)
}

// ofOtherCategories returns the settings of a daemon whose cluster has a diagnostic setting without kube-audit. For 25
// minutes, the hub has got only the records of that setting.
func ofOtherCategories(t *testing.T) harness.Settings {
	t.Helper()
	hub, s := harness.StartHub(t, 2), harness.StartSink(t)
	for n := range 50 {
		hub.AppendMessage([]string{"0", "1"}[n%2], hubtest.Message{
			Body:     [][]byte{harness.HubEvent(t, harness.RecordOf("kube-scheduler", harness.KlogLine), harness.RecordOf("cluster-autoscaler", harness.KlogLine))},
			Enqueued: time.Now().Add(time.Duration(n-50) * 30 * time.Second),
		})
	}
	return harness.BlobSettings(t, hub, harness.NewEmptyBlobs(t), s.URL).With(harness.Settings{"LOGLEVEL": "info"})
}

// Each mistake ends in one line that says what to do: in check, in the log, on /readyz and on the status page.
func TestEachMistakeSaysWhatToDoInCheckLogProbeAndPage(t *testing.T) {
	t.Parallel()
	for name, m := range mistakes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ := m.make(t)
			code, report, _ := harness.RunToEnd(t, environ, "check", "-only", m.part)
			line := checkLines(report)[m.part]
			assert.Equal(t, 1, code)
			assert.Contains(t, line, m.says, "check")
			assert.True(t, strings.HasPrefix(line, "✗ "), line)

			d := harness.StartDaemon(t, environ)
			var readyz, page string
			harness.Wait(t, func() bool {
				var status int
				status, readyz = d.Readyz(t)
				return (status == http.StatusOK) == m.ready && strings.Contains(readyz, m.says) && strings.Contains(readyz, m.because)
			}, "/readyz says %s", m.says)
			assert.Equal(t, 1, strings.Count(strings.TrimSpace(readyz)+"\n", "\n"), "one line: %s", readyz)
			harness.Wait(t, func() bool {
				page = onTopOfThePage(t, d)
				return strings.Contains(page, m.says) && strings.Contains(page, m.because)
			}, "the page says %s", m.says)
			harness.Wait(t, func() bool { return loggedAs(t, d, m.says) != "" }, "a line of the log says %s", m.says)
			t.Logf("\ncheck:  %s\nlog:    %s\nreadyz: %s\npage:   %s", line, loggedAs(t, d, m.says), readyz, page)
		})
	}
}

// onTopOfThePage returns what the status page says at its top when the daemon does not work, or "" when it works.
func onTopOfThePage(t *testing.T, d *harness.Daemon) string {
	t.Helper()
	var status struct {
		Summary struct {
			Works      bool
			Level, Why string
		}
	}
	_, body := harness.Get(t.Context(), d.StatsURL+"/status.json")
	require.NoError(t, json.Unmarshal([]byte(body), &status))
	if status.Summary.Works || status.Summary.Level != "bad" {
		return ""
	}
	return status.Summary.Why
}

// loggedAs returns the first warning or error in the log that contains the text, or "" if there is none.
func loggedAs(t *testing.T, d *harness.Daemon, says string) string {
	t.Helper()
	for text := range strings.Lines(d.Output.String()) {
		var line map[string]any
		if !strings.HasSuffix(text, "\n") { // it is still being written
			break
		}
		require.NoError(t, json.Unmarshal([]byte(text), &line), text)
		if line["level"] != "warn" && line["level"] != "error" {
			continue
		}
		for _, field := range []string{"msg", "error", "reason"} {
			if text, _ := line[field].(string); strings.Contains(text, says) {
				return text
			}
		}
	}
	return ""
}
