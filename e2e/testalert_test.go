package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// testAlertSettings returns settings with which a command posts to a sink. The hub and the storage do not exist, and
// are not used.
func testAlertSettings(t *testing.T, sink string) harness.Settings {
	t.Helper()
	return harness.Settings{
		"EHUBNAMESPACECONNECTIONSTRING": "Endpoint=sb://nowhere.invalid/;SharedAccessKeyName=a;SharedAccessKey=b",
		"EVENTHUBNAME":                  "insights-logs-kube-audit",
		"CHECKPOINTDIR":                 t.TempDir(),
		"WEBSINKURL":                    sink,
		"LOGLEVEL":                      "info",
	}
}

func TestTheTestAlertFiresTheRuleThatItNamesInFalcosOwnRules(t *testing.T) {
	t.Parallel()
	f := harness.StartFalco(t)
	began := time.Now().Add(-time.Second)
	code, stdout, stderr := harness.RunToEnd(t, testAlertSettings(t, f.URL), "test-alert")
	require.Zero(t, code, stderr)
	assert.Empty(t, stderr)
	f.Await(t, 1)
	seen := f.Seen()[0]
	assert.WithinRange(t, seen.Timestamp, began, time.Now(), "the event is of now")
	for name, want := range map[string]any{
		"ka.stage": "ResponseComplete", "ka.verb": "create", "ka.target.resource": "clusterrolebindings", "ka.target.name": "aks-audit-log-go-test",
		"ka.req.binding.role": "cluster-admin", "ka.user.name": "system:serviceaccount:default:aks-audit-log-go-test",
		"ka.response.code": "201", "ka.auth.decision": "allow", "ka.uri": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
		"ka.target.subresource": nil,
	} {
		assert.Equal(t, want, harness.FalcoField(t, seen.JSON, name), name)
	}
	for name, value := range harness.ObjectOfURI(t, seen.JSON) {
		assert.Equal(t, value, harness.FalcoField(t, seen.JSON, name), "the URI says the same as objectRef: %s", name)
	}

	fired := officialRules(t).firing(t, seen)
	require.Len(t, fired, 2)
	assert.Equal(t, "Attach to cluster-admin Role", fired[0].Rule, "the only one with rule_matching: first")
	assert.Equal(t, "K8s ClusterRoleBinding Created", fired[1].Rule)
	assert.Contains(t, stdout, "rule      "+fired[0].Rule+"\n")
	assert.Contains(t, stdout, fired[1].Rule)
	assert.Regexp(t, `(?i)priority  `+fired[0].Priority+`\n`, stdout)
	output := strings.NewReplacer(
		"%ka.user.name", harness.FalcoField(t, seen.JSON, "ka.user.name").(string),
		"%ka.req.binding.subjects", harness.FalcoField(t, seen.JSON, "ka.req.binding.subjects").(string),
	).Replace(fired[0].Output)
	assert.Contains(t, stdout, "output    "+output+"\n")
	assert.Contains(t, stdout, "did not come through the event hub")
	assert.Contains(t, stdout, harness.FalcoField(t, seen.JSON, "ka.auditid"))
}

// The event of an ordinary user matches another rule first. With rule_matching: first, the test alert would then not
// be raised.
func TestTheEvaluationOfFalcosRulesTellsUsersApart(t *testing.T) {
	t.Parallel()
	rules := officialRules(t)
	names := func(event string) (fired []string) {
		for _, rule := range rules.firing(t, harness.FalcoEvent{JSON: event, Timestamp: time.Now()}) {
			fired = append(fired, rule.Rule)
		}
		return fired
	}
	event := bindingToClusterAdmin("", "")
	assert.Equal(t, []string{"Disallowed K8s User", "Attach to cluster-admin Role", "K8s ClusterRoleBinding Created"}, names(event))
	assert.Equal(t, []string{"Disallowed K8s User", "K8s ClusterRoleBinding Created"}, names(strings.Replace(event, "cluster-admin", "view", 1)))
	assert.Equal(t, []string{"Attach to cluster-admin Role"}, names(strings.NewReplacer(`"code":201`, `"code":403`, `{"username":"mallory"`, `{"username":"admin"`).Replace(event)))
	assert.Empty(t, names(strings.Replace(event, "ResponseComplete", "RequestReceived", 1)))
}

func TestEachTestAlertIsMarkedAndHasAnAuditIDOfItsOwn(t *testing.T) {
	t.Parallel()
	s := harness.StartSink(t)
	environ := testAlertSettings(t, s.URL)
	ids := map[string]bool{}
	for range 2 {
		code, stdout, stderr := harness.RunToEnd(t, environ, "test-alert", "-o", "json")
		require.Zero(t, code, stderr)
		var event struct {
			AuditID, UserAgent string
			Annotations        map[string]string
		}
		require.NoError(t, json.Unmarshal([]byte(stdout), &event))
		assert.Contains(t, event.UserAgent, "synthetic")
		assert.Contains(t, event.Annotations["aks-audit-log-go/test"], "synthetic")
		assert.Equal(t, 1, strings.Count(stdout, "\n"), "one event a line")
		ids[event.AuditID] = true
	}
	assert.Len(t, ids, 2)
	s.Await(t, 2)
}

func TestADryTestAlertSendsNothing(t *testing.T) {
	t.Parallel()
	s := harness.StartSink(t)
	for _, args := range [][]string{{"test-alert", "-dry-run"}, {"test-alert", "-dry-run", "-o", "json"}} {
		code, stdout, stderr := harness.RunToEnd(t, testAlertSettings(t, s.URL), args...)
		assert.Zero(t, code, stderr)
		assert.Contains(t, stdout, `{"kind":"Event",`)
	}
	assert.Zero(t, s.Posted())
}

func TestATestAlertThatIsNotTakenSaysWhatToDoInTheWordsOfCheck(t *testing.T) {
	t.Parallel()
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(tls.Close)
	for name, test := range map[string]struct{ sink, says string }{
		"nothing listens": {"http://" + harness.FreeAddress(t) + "/k8s-audit", "nothing listens there"},
		"wrong path":      {harness.StartFalco(t).URL + "/", "without a slash at the end"},
		"http for https":  {strings.Replace(tls.URL, "https", "http", 1), "begin WEBSINKURL with https://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ := testAlertSettings(t, test.sink)
			code, stdout, stderr := harness.RunToEnd(t, environ, "test-alert")
			assert.Equal(t, 1, code)
			assert.Empty(t, stdout)
			assert.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
			assert.Contains(t, stderr, test.says)
			_, report, _ := harness.RunToEnd(t, environ, "check", "-only", "sink")
			assert.Contains(t, report, test.says)
		})
	}
}
