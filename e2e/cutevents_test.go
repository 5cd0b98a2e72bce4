package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"

	"aks-audit-log-go/e2e/harness"
)

// The annotations that say what was done to a cut event.
const (
	rebuiltMark   = "aks-audit-log-go/rebuilt"
	truncatedMark = "audit.k8s.io/truncated"
)

// annotationOf returns an annotation of an audit event, or "" if there is none.
func annotationOf(t *testing.T, event, key string) string {
	t.Helper()
	value, err := fastjson.Parse(event)
	require.NoError(t, err)
	return string(value.GetStringBytes("annotations", key))
}

// padded returns the event of an exec into a pod by a sender who hides it. The paddings are where the API server
// writes the contents of the sender's headers.
func padded(impersonated, addresses string) string {
	return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"` + harness.AuditID("0", 0) + `",` +
		`"stage":"ResponseStarted","requestURI":"/api/v1/namespaces/kube-system/pods/etcd-0/exec?command=sh\u0026stdin=true","verb":"create",` +
		`"user":{"username":"mallory","groups":["system:authenticated"]},"impersonatedUser":{"username":"root","extra":{"x":["` + impersonated + `"]}},` +
		`"sourceIPs":["203.0.113.7"` + addresses + `],"userAgent":"kubectl/v1.34.2",` +
		`"objectRef":{"resource":"pods","namespace":"kube-system","name":"etcd-0","apiVersion":"v1","subresource":"exec"},` +
		`"responseStatus":{"metadata":{},"code":101},"requestReceivedTimestamp":"2026-01-02T03:04:05.000001Z",` +
		`"stageTimestamp":"2026-01-02T03:04:05.678901Z","annotations":{"authorization.k8s.io/decision":"allow"}}`
}

func TestAnExecThatIsPaddedByHeadersReachesFalcosRuleWithItsPod(t *testing.T) {
	t.Parallel()
	hub, f, c := harness.StartHub(t, 1), harness.StartFalco(t), harness.NewBlobs(t)
	hub.Append("0", harness.AuditHubEvent(t,
		padded("", strings.Repeat(`,"10.0.0.1"`, aksLimit/11))[:aksLimit], // X-Forwarded-For
		padded(strings.Repeat("x", aksLimit), "")[:aksLimit],              // Impersonate-Extra-X
		padded("", "")))
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, f.URL))
	got := f.Await(t, 3)
	d.AwaitMetric(t, "aks_audit_log_salvaged_events_total", 2)
	d.Stop(t)
	harness.AssertCaughtUp(t, hub, c)
	for i, event := range got {
		// The condition of the rule "Attach/Exec Pod" uses the first four of these fields, and its output uses the
		// others.
		for name, want := range map[string]string{
			"ka.stage": "ResponseStarted", "ka.target.resource": "pods", "ka.verb": "create", "ka.target.subresource": "exec",
			"ka.target.name": "etcd-0", "ka.target.namespace": "kube-system", "ka.user.name": "mallory",
		} {
			assert.Equal(t, want, harness.FalcoField(t, event, name), "%s of event %d", name, i)
		}
		mark := map[bool]string{true: "objectRef"}[i < 2]
		assert.Equal(t, mark, annotationOf(t, event, rebuiltMark), "event %d says what the daemon rebuilt", i)
	}
}

// cutOf is a cut event of the API server, and the whole event.
type cutOf struct{ cut, whole string }

// cutsOfAPIServer returns the events cut where AKS cuts, and each event cut before its objectRef and its annotations.
// It omits two: the one whose URI leaves no room for a user, which is a dead letter, and the one that is too deeply
// nested for Falco's parser, and therefore for this test.
func cutsOfAPIServer(t *testing.T) []cutOf {
	t.Helper()
	var cuts []cutOf
	for _, event := range harness.APIServerEvents(t) {
		if strings.Contains(event, "[[[[[[") {
			continue
		}
		if len(event) > aksLimit && strings.Contains(event[:aksLimit], `,"user":{`) {
			cuts = append(cuts, cutOf{event[:aksLimit], event})
		}
		for _, key := range []string{`,"objectRef":{"resource"`, `,"annotations":{"auth`} {
			if at := strings.LastIndex(event, key); at > 0 {
				cuts = append(cuts, cutOf{event[:at], event})
			}
		}
	}
	return cuts
}

func TestCutEventsOfAnAPIServerKeepTheirObjectAndDecision(t *testing.T) {
	t.Parallel()
	cuts := cutsOfAPIServer(t)
	hub, f := harness.StartHub(t, 1), harness.StartFalco(t)
	for _, c := range cuts {
		hub.Append("0", harness.RawAuditHubEvent(c.cut))
	}
	d := harness.StartDaemon(t, harness.HubSettings(t, hub, f.URL).With(harness.Settings{"CHECKPOINTDIR": t.TempDir()}))
	got := f.Await(t, len(cuts))
	d.AwaitMetric(t, harness.VerdictSeries("delivered"), float64(len(cuts)))
	d.Stop(t)
	require.Len(t, got, len(cuts))
	objects, decisions := 0, 0
	for i, c := range cuts {
		event := got[i]
		require.Equal(t, "true", annotationOf(t, event, truncatedMark))
		told := harness.ObjectOfURI(t, c.whole)
		for _, name := range []string{"ka.target.resource", "ka.target.subresource", "ka.target.namespace", "ka.target.name"} {
			want := harness.FalcoField(t, c.whole, name)
			if told[name] == nil && !strings.Contains(c.cut, `,"objectRef":`) {
				want = nil // such as the name of an object that is created
			}
			require.Equal(t, want, harness.FalcoField(t, event, name), "%s of %s", name, event)
		}
		decision := annotationOf(t, event, "authorization.k8s.io/decision")
		if decision != "" {
			require.Equal(t, annotationOf(t, c.whole, "authorization.k8s.io/decision"), decision, event)
		}
		mark := annotationOf(t, event, rebuiltMark)
		objects += strings.Count(mark, "objectRef")
		decisions += strings.Count(mark, "authorization")
	}
	t.Logf("of %d cut events %d got their object back and %d their decision", len(cuts), objects, decisions)
	assert.Greater(t, objects, 80)
	assert.Greater(t, decisions, 30)
}
