package e2e

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-storage-blob-go/azblob"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkParts are the parts in the order in which check prints them.
var checkParts = []string{"configuration", "clock", "event hub", "consumer group", "checkpoints", "dead letters", "sink"}

// runCheck runs `check` and answers its lines, by the names of the parts.
func runCheck(t *testing.T, s settings) (code int, lines map[string]string) {
	t.Helper()
	code, stdout, stderr := runToEnd(t, s.with(settings{"LOGLEVEL": "info"}), "check")
	assertNoSecrets(t, s, stdout+stderr)
	assert.NotContains(t, stderr, "DATA RACE")
	lines = checkLines(stdout)
	assert.ElementsMatch(t, checkParts, slices.Collect(maps.Keys(lines)), "a line for each part in\n%s", stdout)
	return code, lines
}

// checkLines is a report by the names of the parts.
func checkLines(report string) map[string]string {
	lines := map[string]string{}
	for line := range strings.Lines(report) {
		mark, rest, _ := strings.Cut(line, " ")
		if name, _, found := strings.Cut(rest, ":"); found && strings.ContainsAny(mark, "✓✗–") {
			lines[name] = strings.TrimSpace(line)
		}
	}
	return lines
}

// assertMarks wants ✗ at these parts, – at those, and ✓ at all others.
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

// ownContainer is a container that is there, but empty.
func ownContainer(t *testing.T) container {
	t.Helper()
	c := newContainer(t)
	_, err := c.url.Create(t.Context(), nil, azblob.PublicAccessNone)
	require.NoError(t, err)
	return c
}

func TestCheckFindsAllWellAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	hub, c, f := startHub(t, 2), ownContainer(t), startFalco(t)
	environ := blobSettings(t, hub, c, f.url)
	for range 2 { // empty, and with an event
		code, lines := runCheck(t, environ)
		assert.Zero(t, code)
		assertMarks(t, lines, nil, nil)
		assert.Empty(t, c.metadata(t))
		hub.Append("0", auditHubEvent(t, auditEvent("0", 0)))
	}
	// Had the check brought Falco an event, that would come before this one.
	startDaemon(t, environ)
	assert.Equal(t, asFalcoHasIt(t, auditEvent("0", 0)), f.await(t, 1)[0])
}

func TestCheckDisturbsNoDaemon(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 2), startSink(t), newContainer(t)
	fed := newFeed(hub)
	fed.add(t, 3, 2)
	environ := blobSettings(t, hub, c, s.URL)
	d := startDaemon(t, environ)
	s.await(t, fed.total())
	checkpoints := func() map[string]map[string]string {
		blobs := c.metadata(t)
		maps.DeleteFunc(blobs, func(name string, _ map[string]string) bool { return strings.HasPrefix(name, ownershipPath) })
		return blobs
	}
	eventually(t, func() bool { return caughtUp(t, hub, c) }, "the checkpoints are written")
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
	fed.add(t, 3, 2)
	s.await(t, fed.total())
	d.stop(t)
	assert.NotContains(t, d.out.String(), "partition lost")
	fed.assertOnceInOrder(t, s.accepted())
}

func TestCheckOfAWrongConfigurationSaysWhatIsWrongAndTriesNothing(t *testing.T) {
	t.Parallel()
	code, stdout, _ := runToEnd(t, settings{"WEBSINKURL": "ftp://sink/", "EVENTHUBNAME": "hub"}, "check")
	assert.Equal(t, 1, code)
	lines := checkLines(stdout)
	assertMarks(t, lines, checkParts[:1], checkParts[1:])
	assert.Contains(t, lines["sink"], "not tried: mend the configuration first")
	assert.Contains(t, stdout, `WEBSINKURL is "ftp://sink/"`)
	assert.Contains(t, stdout, "EHUBNAMESPACECONNECTIONSTRING is not set")
}

func TestCheckSaysWhatToDoAboutTheHub(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 1), startSink(t), ownContainer(t)
	environ := blobSettings(t, hub, c, s.URL)
	group, hubAndGroup := []string{"consumer group"}, []string{"event hub"}
	for name, test := range map[string]struct {
		change         settings
		wrong, untried []string
		part, advice   string
	}{
		"wrong key": {
			settings{"EHUBNAMESPACECONNECTIONSTRING": wrongKey(hub.ConnectionString())}, hubAndGroup, group,
			"event hub", "the hub does not accept the key or signature",
		},
		"no such hub":   {settings{"EVENTHUBNAME": "other"}, hubAndGroup, group, "event hub", `has no event hub "other"`},
		"no such group": {settings{"EVENTHUBCONSUMERGROUP": "falco"}, group, nil, "consumer group", `the hub has no consumer group "falco": create it`},
		"no authority":  {settings{"SSL_CERT_FILE": "/dev/null"}, hubAndGroup, group, "event hub", "EVENTHUBCAFILE"},
	} {
		for _, client := range []string{"azeventhubs", "azure-event-hubs-go"} {
			t.Run(name+"/"+client, func(t *testing.T) {
				t.Parallel()
				code, lines := runCheck(t, environ.with(test.change).with(settings{"EVENTHUBCLIENT": client}))
				assert.Equal(t, 1, code)
				assertMarks(t, lines, test.wrong, test.untried)
				assert.Contains(t, lines[test.part], test.advice)
			})
		}
	}
}

func TestCheckThatIsInterruptedEnds(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 1), startSink(t), ownContainer(t)
	hub.GoSilent(true)
	t.Cleanup(func() { hub.GoSilent(false) })
	p, err := startProcess(t.Context(), t.TempDir(), blobSettings(t, hub, c, s.URL).environ(), daemonBinary(t), "check")
	require.NoError(t, err)
	eventually(t, func() bool { return hub.Dialled() > 0 }, "the hub is asked")
	begun := time.Now()
	require.NoError(t, p.signal(syscall.SIGINT))
	assert.Less(t, time.Since(begun), 8*time.Second, "less than the part's time is left")
	assert.Equal(t, 1, p.exitCode())
	assertMarks(t, checkLines(p.out.String()), nil, checkParts[2:])
	assert.Zero(t, s.posted())
}

func TestCheckSaysWhatToDoAboutTheSink(t *testing.T) {
	t.Parallel()
	hub, s, c, f := startHub(t, 1), startSink(t), ownContainer(t), startFalco(t)
	environ := blobSettings(t, hub, c, s.URL)
	for name, test := range map[string]struct{ url, advice string }{
		"a path that Falco does not have": {f.url + "/", "without a slash at the end"},
		"nobody there":                    {"http://" + freeAddress(t) + "/", "nothing listens there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, lines := runCheck(t, environ.with(settings{"WEBSINKURL": test.url}))
			assert.Equal(t, 1, code)
			assertMarks(t, lines, []string{"sink"}, nil)
			assert.Contains(t, lines["sink"], test.advice)
		})
	}
	s.answer(http.StatusUnauthorized)
	code, lines := runCheck(t, environ.with(settings{"WEBSINKURL": withPassword(t, s.URL)}))
	assert.Equal(t, 1, code)
	assertMarks(t, lines, []string{"sink"}, nil)
	assert.Contains(t, lines["sink"], "the sink answered 401 Unauthorized: give it what it asks for")
}
