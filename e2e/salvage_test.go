package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// aksLimit is the length at which AKS cuts properties.log.
const aksLimit = 16 << 10

// valueEnd returns where the value of the first such key after from ends, or -1 if there is none.
func valueEnd(text, key string, from int) int {
	_, behind, found := strings.Cut(text[from:], `"`+key+`":"`)
	if !found {
		return -1
	}
	return len(text) - len(behind) + strings.IndexByte(behind, '"') + 1
}

// cutEvent is a cut audit event, and the fields that Falco must get.
type cutEvent struct {
	text   string
	fields map[string]any
}

// cutsOf cuts an audit event at every cutStep-th byte after its auditID, URI, verb and user. Those fields of its
// object that do not follow from the URI depend on the cut.
func cutsOf(t *testing.T, event string, first int) []cutEvent {
	t.Helper()
	needed := 0
	fields := map[string]any{}
	for name, key := range map[string]string{"ka.auditid": "auditID", "ka.verb": "verb", "ka.user.name": "username", "ka.uri": "requestURI"} {
		end := valueEnd(event, key, 0)
		require.Positive(t, end, key)
		needed = max(needed, end)
		fields[name] = harness.FalcoField(t, event, name)
	}
	object := max(0, strings.Index(event, `"objectRef":{`))
	told := harness.ObjectOfURI(t, event)
	var cuts []cutEvent
	for length := needed + first%cutStep; length < len(event); length += cutStep {
		want := maps.Clone(fields)
		for name, key := range map[string]string{"ka.target.resource": "resource", "ka.target.namespace": "namespace", "ka.target.name": "name"} {
			want[name] = harness.FalcoField(t, event, name)
			if valueEnd(event, key, object) > length && told[name] == nil {
				want[name] = nil
			}
		}
		cuts = append(cuts, cutEvent{event[:length], want})
	}
	return cuts
}

func TestRealAuditEventsThatAreCutAnywhereReachFalcoAsWhatTheyWere(t *testing.T) {
	t.Parallel()
	_, events := harness.RealHubEvent(t)
	files := harness.RealAuditEvents(t)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		events = append(events, files[name]...)
	}
	var cuts []cutEvent
	for n, event := range events {
		cuts = append(cuts, cutsOf(t, event, n)...)
	}
	hub, f := harness.StartHub(t, 1), harness.StartFalco(t)
	for some := range slices.Chunk(cuts, 50) {
		var texts []string
		for _, cut := range some {
			texts = append(texts, cut.text)
		}
		hub.Append("0", harness.AuditHubEvent(t, texts...))
	}
	d := harness.StartDaemon(t, harness.HubSettings(t, hub, f.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir(), "LOGLEVEL": "info"}))
	for n := 0; n < len(cuts); n += 500 {
		f.Await(t, n) // so that the time limit of a wait is for 500 audit events
	}
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), float64(len(cuts)))
	d.Stop(t)
	got := f.Await(t, len(cuts))
	require.Len(t, got, len(cuts))
	for i, cut := range cuts {
		for name, want := range cut.fields {
			require.Equal(t, want, harness.FalcoField(t, got[i], name), "%s of %s, salvaged to %s", name, cut.text, got[i])
		}
	}
}

// bindingToClusterAdmin returns the event of a user who takes over a cluster. The padding behind is after the role.
// The padding before is before it, in the metadata of the binding.
func bindingToClusterAdmin(behind, before string) string {
	return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"` + harness.AuditID("0", 0) + `",` +
		`"stage":"ResponseComplete","requestURI":"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings","verb":"create",` +
		`"user":{"username":"mallory","groups":["system:authenticated"]},"sourceIPs":["203.0.113.7"],` +
		`"objectRef":{"resource":"clusterrolebindings","name":"mine","apiGroup":"rbac.authorization.k8s.io","apiVersion":"v1"},` +
		`"responseStatus":{"metadata":{},"code":201},"requestObject":{"kind":"ClusterRoleBinding",` +
		`"apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"mine","annotations":{"note":"` + before + `"}},` +
		`"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},` +
		`"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"mallory` + behind + `"}]},` +
		`"requestReceivedTimestamp":"2026-01-02T03:04:05.000001Z","stageTimestamp":"2026-01-02T03:04:05.678901Z"}`
}

func TestABindingToClusterAdminThatIsPaddedOverTheLimitStillReachesFalco(t *testing.T) {
	t.Parallel()
	padding := strings.Repeat("x", aksLimit)
	hub, f, c := harness.StartHub(t, 1), harness.StartFalco(t), harness.NewBlobs(t)
	hub.Append("0", harness.AuditHubEvent(t,
		bindingToClusterAdmin(padding, "")[:aksLimit],
		bindingToClusterAdmin("", padding)[:aksLimit],
		bindingToClusterAdmin("", "")))
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, f.URL))
	got := f.Await(t, 3)
	d.AwaitMetric(t, "aks_audit_log_salvaged_events_total", 2)
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), 3)
	d.Stop(t)
	harness.AssertCaughtUp(t, hub, c)

	for i, role := range []any{"cluster-admin", nil, "cluster-admin"} {
		// The condition of the rule "Attach to cluster-admin Role" uses these fields.
		assert.Equal(t, role, harness.FalcoField(t, got[i], "ka.req.binding.role"), "the role, unless it stood behind the cut")
		assert.Equal(t, "create", harness.FalcoField(t, got[i], "ka.verb"))
		assert.Equal(t, "clusterrolebindings", harness.FalcoField(t, got[i], "ka.target.resource"))
		assert.Equal(t, "ResponseComplete", harness.FalcoField(t, got[i], "ka.stage"))
		assert.Equal(t, "mallory", harness.FalcoField(t, got[i], "ka.user.name"))
		assert.Equal(t, i < 2, strings.Contains(got[i], `"audit.k8s.io/truncated":"true"`), "what was cut says so")
	}
	assert.Equal(t, "2026-01-02T03:04:05.678901234Z", f.Seen()[0].Timestamp.Format("2006-01-02T15:04:05.999999999Z07:00"),
		"the time of the record, as the event's own was cut off")
}

func TestAnEventTooLargeOrTooDeepForFalcoArrivesReducedAndItsOriginalIsKept(t *testing.T) {
	t.Parallel()
	sound := harness.AuditEvent("0", 0)
	with := func(member string) string { return strings.Replace(sound, `"annotations"`, member+`,"annotations"`, 1) }
	request := `"requestObject":{"kind":"Pod"}`
	originals := []string{
		with(request + `,"responseObject":{"data":"` + strings.Repeat("x", 262_144) + `"}`),
		with(`"requestObject":` + strings.Repeat(`[`, 400) + strings.Repeat(`]`, 400)),
	}
	marked := func(event string) string {
		return strings.Replace(event, `"by \"admin\""`, `"by \"admin\"","audit.k8s.io/truncated":"true"`, 1)
	}
	hub, f, c := harness.StartHub(t, 1), harness.StartFalco(t), harness.NewBlobs(t)
	hub.Append("0", harness.AuditHubEvent(t, originals...))
	hub.Append("0", harness.AuditHubEvent(t, sound))
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, f.URL))
	assert.Equal(t, []string{marked(with(request)), marked(sound), sound}, f.Await(t, 3))
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), 3)
	for n, reason := range []string{"too_large", "too_deep"} {
		assert.InDelta(t, 1, d.Metric(t, `aks_audit_log_reduced_events_total{reason="`+reason+`"}`), 0)
		var letter struct{ Reason, Content string }
		require.NoError(t, json.Unmarshal(c.Content(t, harness.DeadLetterName(t, c, "0", 0, n)), &letter))
		assert.Equal(t, reason, letter.Reason)
		assert.Equal(t, originals[n], letter.Content, "the audit event is kept whole")
	}
	d.Stop(t)
	harness.AssertCaughtUp(t, hub, c)
}
