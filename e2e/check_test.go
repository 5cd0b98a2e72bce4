package e2e

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// checkParts are the parts in the order in which check prints them.
var checkParts = []string{"configuration", "clock", "event hub", "consumer group", "events", "checkpoints", "dead letters", "sink"}

// outOfTime matches the line of a part that got no answer in time.
var outOfTime = regexp.MustCompile(`no answer within`)

// runCheck runs `check`, and returns its lines by the names of the parts.
func runCheck(t *testing.T, s harness.Settings) (code int, lines map[string]string) {
	t.Helper()
	code, stdout, stderr := harness.RunToEnd(t, s.With(harness.Settings{"LOGLEVEL": "info"}), "check")
	// Each part has 10 s, which may be too short on a busy machine.
	for begun := time.Now(); outOfTime.MatchString(stdout) && time.Since(begun) < harness.WaitLimit; {
		t.Logf("check again, since the machine is slow:\n%s", stdout)
		code, stdout, stderr = harness.RunToEnd(t, s.With(harness.Settings{"LOGLEVEL": "info"}), "check")
	}
	assertNoSecrets(t, s, stdout+stderr)
	assert.NotContains(t, stderr, "DATA RACE")
	lines = checkLines(stdout)
	assert.ElementsMatch(t, checkParts, slices.Collect(maps.Keys(lines)), "a line for each part in\n%s", stdout)
	return code, lines
}

// checkLines returns the lines of a report by the names of the parts.
func checkLines(report string) map[string]string {
	lines := map[string]string{}
	for line := range strings.Lines(report) {
		mark, rest, _ := strings.Cut(line, " ")
		if name, _, found := strings.Cut(rest, ":"); found && strings.ContainsAny(mark, "✓✗–") {
			for each := range strings.SplitSeq(name, ", ") { // parts that were not tried share a line
				lines[each] = strings.TrimSpace(line)
			}
		}
	}
	return lines
}

// assertMarks asserts ✗ at the wrong parts, – at those that were not tried, and ✓ at all others.
func assertMarks(t *testing.T, lines map[string]string, wrong, untried []string) {
	t.Helper()
	for _, part := range checkParts {
		mark := "✓"
		if slices.Contains(wrong, part) {
			mark = "✗"
		} else if slices.Contains(untried, part) {
			mark = "–"
		}
		assert.True(t, strings.HasPrefix(lines[part], mark+" "), "%s should be %s: %s", part, mark, lines[part])
	}
}

func TestCheckFindsAllWellAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	hub, c, f := harness.StartHub(t, 2), harness.NewEmptyBlobs(t), harness.StartFalco(t)
	environ := harness.BlobSettings(t, hub, c, f.URL)
	for range 2 { // empty, and with an event
		code, lines := runCheck(t, environ)
		assert.Zero(t, code)
		assertMarks(t, lines, nil, nil)
		assert.Empty(t, c.Metadata(t))
		hub.Append("0", harness.AuditHubEvent(t, harness.AuditEvent("0", 0)))
	}
	// If check had sent Falco an event, it would arrive before this one.
	harness.StartDaemon(t, environ)
	assert.Equal(t, harness.AsFalcoSees(t, harness.AuditEvent("0", 0)), f.Await(t, 1)[0])
}

func TestCheckDisturbsNoDaemon(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 2), harness.StartSink(t), harness.NewBlobs(t)
	fed := harness.NewFeed(hub)
	fed.Add(t, 3, 2)
	environ := harness.BlobSettings(t, hub, c, s.URL)
	d := harness.StartDaemon(t, environ)
	s.Await(t, fed.Total())
	checkpoints := func() map[string]map[string]string {
		blobs := c.Metadata(t)
		maps.DeleteFunc(blobs, func(name string, _ map[string]string) bool { return strings.HasPrefix(name, harness.OwnershipPath) })
		return blobs
	}
	harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoints are written")
	before, dialled := checkpoints(), hub.Dialled()
	for range 3 {
		code, lines := runCheck(t, environ)
		assert.Zero(t, code)
		assertMarks(t, lines, nil, nil)
		assert.Contains(t, lines["consumer group"], "another reader, such as the daemon, has partition ")
	}
	assert.Equal(t, before, checkpoints())
	assert.Equal(t, 1, hub.Receivers("0"))
	assert.Equal(t, 1, hub.Receivers("1"))
	assert.Greater(t, hub.Dialled(), dialled, "the check did ask the hub")
	fed.Add(t, 3, 2)
	s.Await(t, fed.Total())
	d.Stop(t)
	assert.NotContains(t, d.Output.String(), "partition lost")
	fed.AssertOnceInOrder(t, s.Accepted())
}

func TestCheckOfAWrongConfigurationSaysWhatIsWrongAndTriesNothing(t *testing.T) {
	t.Parallel()
	code, stdout, _ := harness.RunToEnd(t, harness.Settings{"WEBSINKURL": "ftp://sink/", "EVENTHUBNAME": "hub"}, "check")
	assert.Equal(t, 1, code)
	lines := checkLines(stdout)
	assertMarks(t, lines, checkParts[:1], checkParts[1:])
	assert.Contains(t, lines["sink"], "not tried: fix the configuration first")
	assert.Contains(t, stdout, `WEBSINKURL is "ftp://sink/"`)
	assert.Contains(t, stdout, "EHUBNAMESPACECONNECTIONSTRING is not set")
}

func TestCheckSaysWhatToDoAboutTheHub(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewEmptyBlobs(t)
	environ := harness.BlobSettings(t, hub, c, s.URL)
	group, onlyHub := []string{"consumer group"}, []string{"event hub"}
	untried := []string{"consumer group", "events"}
	for name, test := range map[string]struct {
		change         harness.Settings
		wrong, untried []string
		part, advice   string
	}{
		"wrong key": {
			harness.Settings{"EHUBNAMESPACECONNECTIONSTRING": wrongKey(hub.ConnectionString())}, onlyHub, untried,
			"event hub", "the hub does not accept the key or signature",
		},
		"no such hub":   {harness.Settings{"EVENTHUBNAME": "other"}, onlyHub, untried, "event hub", `has no event hub "other"`},
		"no such group": {harness.Settings{"EVENTHUBCONSUMERGROUP": "falco"}, group, nil, "consumer group", `the hub has no consumer group "falco": create it`},
		"no authority":  {harness.Settings{"SSL_CERT_FILE": "/dev/null"}, onlyHub, untried, "event hub", "EVENTHUBCAFILE"},
	} {
		for _, client := range []string{"azeventhubs", "azure-event-hubs-go"} {
			t.Run(name+"/"+client, func(t *testing.T) {
				t.Parallel()
				code, lines := runCheck(t, environ.With(test.change).With(harness.Settings{"EVENTHUBCLIENT": client}))
				assert.Equal(t, 1, code)
				assertMarks(t, lines, test.wrong, test.untried)
				assert.Contains(t, lines[test.part], test.advice)
			})
		}
	}
}

func TestCheckThatIsInterruptedEnds(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewEmptyBlobs(t)
	hub.GoSilent(true)
	t.Cleanup(func() { hub.GoSilent(false) })
	p, err := harness.StartProcess(t.Context(), t.TempDir(), harness.BlobSettings(t, hub, c, s.URL).Environ(), harness.RaceBinary(t), "check")
	require.NoError(t, err)
	harness.Wait(t, func() bool { return hub.Dialled() > 0 }, "the hub is asked")
	require.NoError(t, p.Signal(syscall.SIGINT))
	assert.Equal(t, 1, p.ExitCode())
	lines := checkLines(p.Output.String())
	assertMarks(t, lines, nil, checkParts[2:])
	assert.Equal(t, "– event hub: interrupted", lines["event hub"], "it did not wait until the part's time was up")
	assert.Zero(t, s.Posted())
}

func TestCheckSaysWhatToDoAboutTheSink(t *testing.T) {
	t.Parallel()
	hub, s, c, f := harness.StartHub(t, 1), harness.StartSink(t), harness.NewEmptyBlobs(t), harness.StartFalco(t)
	environ := harness.BlobSettings(t, hub, c, s.URL)
	for name, test := range map[string]struct{ url, advice string }{
		"a path that Falco does not have": {f.URL + "/", "without a slash at the end"},
		"nobody there":                    {"http://" + harness.FreeAddress(t) + "/", "nothing listens there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, lines := runCheck(t, environ.With(harness.Settings{"WEBSINKURL": test.url}))
			assert.Equal(t, 1, code)
			assertMarks(t, lines, []string{"sink"}, nil)
			assert.Contains(t, lines["sink"], test.advice)
		})
	}
	s.AnswerWith(http.StatusUnauthorized)
	code, lines := runCheck(t, environ.With(harness.Settings{"WEBSINKURL": withPassword(t, s.URL)}))
	assert.Equal(t, 1, code)
	assertMarks(t, lines, []string{"sink"}, nil)
	assert.Contains(t, lines["sink"], "the sink answered 401 Unauthorized: it asks for credentials")
}
