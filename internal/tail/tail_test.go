package tail

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder/audit"
)

// whole is an audit event with all that is printed.
const whole = `{"kind":"Event","auditID":"a1","stage":"ResponseComplete","verb":"create","requestURI":"/apis/apps/v1/namespaces/default/deployments/web/scale?dryRun=All",` +
	`"user":{"username":"alice@example.com","extra":{"username":"x"}},"impersonatedUser":{"username":"bob"},` +
	`"objectRef":{"resource":"deployments","subresource":"scale","apiGroup":"apps","namespace":"default","name":"web"},` +
	`"responseStatus":{"code":403},"stageTimestamp":"2026-01-31T13:00:00.123456+01:00"}`

// read returns the audit event as it is printed.
func read(t *testing.T, content string) *event {
	t.Helper()
	e, err := readEvent(&unpack.Record{Cluster: "prod-1", Content: []byte(content)}, place{"3", 42, 7})
	require.NoError(t, err)
	return e
}

func TestALineHasTheTimeTheClusterTheUserTheVerbTheResourceAndTheCode(t *testing.T) {
	for content, want := range map[string]string{
		whole: "2026-01-31T12:00:00.123Z prod-1 alice@example.com as bob create deployments.apps/scale default/web 403",
		`{"stageTimestamp":"2026-01-31T12:00:00Z","verb":"get","user":{"username":"u"},"requestURI":"/healthz?verbose=true","responseStatus":{"code":200}}`: "2026-01-31T12:00:00.000Z prod-1 u get /healthz 200",
		`{"verb":"list","objectRef":{"resource":"nodes"}}`:                           "- prod-1 - list nodes -",
		`{"verb":"get","verb":"delete","objectRef":{"resource":"nodes","name":"n"}}`: "- prod-1 - get nodes n -",
	} {
		line := string(read(t, content).line(false))
		assert.True(t, strings.HasSuffix(line, "\n"))
		assert.Equal(t, want, strings.Join(strings.Fields(line), " "))
	}
}

func TestTheColumnsOfUsualLinesStandBelowEachOther(t *testing.T) {
	short := string(read(t, `{"stageTimestamp":"2026-01-31T12:00:00Z","verb":"get","user":{"username":"ü"},"objectRef":{"resource":"pods"},"responseStatus":{"code":200}}`).line(false))
	long := string(read(t, whole).line(false))
	assert.Equal(t, len([]rune(strings.Split(long, "create")[0])), len([]rune(strings.Split(short, "get")[0])))
	assert.Equal(t, len([]rune(strings.Split(long, "403")[0])), len([]rune(strings.Split(short, "200")[0])))
}

func TestColoursAreOnlyAroundTheCells(t *testing.T) {
	e := read(t, whole)
	coloured := string(e.line(true))
	assert.Contains(t, coloured, "\x1b[31m403\x1b[0m")
	assert.Contains(t, coloured, "\x1b[33mcreate\x1b[0m")
	for _, colour := range []string{faint, red, yellow, cyan, "0"} {
		coloured = strings.ReplaceAll(coloured, "\x1b["+colour+"m", "")
	}
	assert.Equal(t, string(e.line(false)), coloured)
}

func TestControlCharactersReachNoTerminal(t *testing.T) {
	// The first is ESC, the second turns the direction of writing, the third is CSI, the last a line feed.
	evil := "a\x1b[2Jb\u202ec\u009bd\nz"
	quoted, err := json.Marshal(evil)
	require.NoError(t, err)
	e := read(t, `{"verb":"get","user":{"username":`+string(quoted)+`},"objectRef":{"resource":"pods","name":`+string(quoted)+`}}`)
	line := string(e.line(true))
	assert.Contains(t, line, "a?[2Jb?c?d?z")
	assert.Equal(t, 1, strings.Count(line, "\n"))
	assert.NotContains(t, string(e.line(false)), "\x1b")

	printed, err := e.json()
	require.NoError(t, err)
	assert.Contains(t, string(printed), `a\u001b[2Jb\u202ec\u009bd\nz`)
	assert.False(t, strings.ContainsAny(string(printed), "\x1b\u202e\u009b"))
	var back event
	require.NoError(t, json.Unmarshal(printed, &back))
	assert.Equal(t, evil, back.User)
}

func TestTheObjectHasTheNamesAndTheAuditEventItself(t *testing.T) {
	line, err := read(t, whole).json()
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(line), "\n"))
	assert.JSONEq(t, `{"time":"2026-01-31T12:00:00.123456Z","cluster":"prod-1","user":"alice@example.com","impersonated_user":"bob","verb":"create",
		"api_group":"apps","resource":"deployments","subresource":"scale","namespace":"default","name":"web","path":"/apis/apps/v1/namespaces/default/deployments/web/scale",
		"code":403,"stage":"ResponseComplete","audit_id":"a1","partition":"3","sequence_number":42,"record":7,"event":`+whole+`}`, string(line))

	e, err := readEvent(&unpack.Record{Content: []byte("{ \"level\":\n\"Metadata\" }"), Repaired: true}, place{"0", 0, 0})
	require.NoError(t, err)
	line, err = e.json()
	require.NoError(t, err)
	assert.Equal(t, `{"partition":"0","sequence_number":0,"record":0,"truncated":true,"event":{"level":"Metadata"}}`+"\n", string(line))
}

// patterns returns the patterns of a flag that is given with each text.
func patterns(t *testing.T, texts ...string) Patterns {
	t.Helper()
	var p Patterns
	for _, text := range texts {
		require.NoError(t, p.Set(text))
	}
	return p
}

func TestPatternsTakeAndLeaveOut(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"alice", "alice", true},
		{"alice", "Alice", true},
		{"alice", "alice2", false},
		{"alice,bob", "bob", true},
		{"alice, bob", "bob", true},
		{"alice*", "alice@example.com", true},
		{"*", "", true},
		{"alice", "", false},
		{"system:*:default", "system:serviceaccount:kube-system:default", true},
		{"https://*/x", "https://sts.windows.net/1/2/x", true},
		{"web-?", "web-1", true},
		{"web-?", "web-10", false},
		{"a.b", "axb", false},
		{"[a]", "a", false},
		{"!system:*", "system:admin", false},
		{"!system:*", "alice", true},
		{"!system:*,!alice", "alice", false},
		{"system:*,!system:node:*", "system:node:1", false},
		{"system:*,!system:node:*", "system:admin", true},
	} {
		p := patterns(t, test.pattern)
		assert.Equal(t, test.want, p.Match(test.name), "%s on %q", test.pattern, test.name)
	}
	var none Patterns
	assert.True(t, none.Match(""))
	both := patterns(t, "a", "b")
	assert.True(t, both.Match("a") && both.Match("b"))
	assert.Equal(t, "a,b", both.String())
	for _, wrong := range []string{"", ",", "a,", "!"} {
		assert.Error(t, new(Patterns).Set(wrong), wrong)
	}
}

func TestAnAuditEventIsPrintedIfAllPatternsTakeIt(t *testing.T) {
	plain := `{"verb":"get","user":{"username":"system:admin"},"requestURI":"/healthz/etcd?x"}`
	for _, test := range []struct {
		content string
		options Options
		want    bool
	}{
		{whole, Options{}, true},
		{whole, Options{Users: patterns(t, "bob")}, true},
		{whole, Options{Users: patterns(t, "alice*")}, true},
		{whole, Options{Users: patterns(t, "!bob")}, true}, // alice is not left out because she acts as bob
		{whole, Options{Users: patterns(t, "!bob,!alice*")}, false},
		{whole, Options{Verbs: patterns(t, "create,delete")}, true},
		{whole, Options{Verbs: patterns(t, "delete")}, false},
		{whole, Options{Resources: patterns(t, "deployments")}, true},
		{whole, Options{Resources: patterns(t, "deployments/scale")}, true},
		{whole, Options{Resources: patterns(t, "deployments.apps")}, true},
		{whole, Options{Resources: patterns(t, "deployments.apps/scale")}, true},
		{whole, Options{Resources: patterns(t, "*/scale")}, true},
		{whole, Options{Resources: patterns(t, "deployments/status")}, false},
		{whole, Options{Resources: patterns(t, "!deployments")}, false},
		{whole, Options{Resources: patterns(t, "/apis/*")}, false},
		{whole, Options{Namespaces: patterns(t, "def*")}, true},
		{whole, Options{Namespaces: patterns(t, "kube-system")}, false},
		{whole, Options{Clusters: patterns(t, "PROD-*")}, true},
		{whole, Options{Clusters: patterns(t, "test-*")}, false},
		{whole, Options{Users: patterns(t, "bob"), Verbs: patterns(t, "get")}, false},
		{plain, Options{Resources: patterns(t, "/healthz*")}, true},
		{plain, Options{Namespaces: patterns(t, "default")}, false},
		{plain, Options{Users: patterns(t, "!system:*")}, false},
	} {
		assert.Equal(t, test.want, test.options.takes(read(t, test.content)), "%+v", test.options)
	}
}

func TestTheCountsTellWhatIsNoAuditEvent(t *testing.T) {
	counts := newCounts()
	counts.hubEvent()
	counts.auditEvent(true)
	counts.auditEvent(false)
	assert.Equal(t, "hub events: 1, audit events: 2, printed: 1", counts.String())
	for _, record := range []unpack.Record{
		{Verdict: audit.DeadLettered, Reason: "cut"}, {Verdict: audit.DeadLettered, Reason: "cut"}, {Verdict: audit.DeadLettered, Reason: "not_json"},
		{Verdict: audit.Skipped, Category: "Guard"}, {Verdict: audit.Skipped}, {Verdict: audit.Skipped, Category: "\x1b[2J"},
	} {
		counts.without(&record)
	}
	assert.Equal(t, "hub events: 1, audit events: 2, printed: 1; not printed, because the daemon makes dead letters of them: 2 cut, 1 not_json; "+
		"not printed, because their log category has no audit events: 1 guard, 1 none, 1 other", counts.String())
}
