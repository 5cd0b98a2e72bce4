package e2e

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-storage-blob-go/azblob"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
	"aks-audit-log-go/internal/hubtest"
)

// expiredHub returns settings with a signature for the hub that expired an hour ago.
func expiredHub(hub *hubtest.Server) harness.Settings {
	end := time.Now().Add(-time.Hour)
	return harness.Settings{
		"EHUBNAMESPACECONNECTIONSTRING": endpointOf(hub.ConnectionString()) + ";SharedAccessSignature=" + hubSignature(hub.ConnectionString(), end),
	}
}

func TestCheckTellsAnExpiredSignatureFromAWrongKey(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewEmptyBlobs(t)
	environ := harness.BlobSettings(t, hub, c, s.URL)
	all := azblob.AccountSASPermissions{Read: true, Write: true, Delete: true, List: true, Create: true}
	for name, test := range map[string]struct {
		change         harness.Settings
		wrong, untried []string
		variable       string
	}{
		"hub":     {expiredHub(hub), []string{"event hub"}, []string{"consumer group", "events"}, "EHUBNAMESPACECONNECTIONSTRING"},
		"storage": {sasUntil(t, all, time.Now().Add(-time.Hour)), []string{"checkpoints"}, []string{"dead letters"}, "BLOBSTORAGECONNECTIONSTRING"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, lines := runCheck(t, environ.With(test.change))
			assert.Equal(t, 1, code)
			assertMarks(t, lines, test.wrong, test.untried)
			assert.Regexp(t, "the signature in "+test.variable+`,? (because it )?expired at 20\S+Z \(its se=\): make a new one`, lines[test.wrong[0]])
			assert.NotContains(t, lines[test.wrong[0]], "key is wrong")

			code, stdout, _ := harness.RunToEnd(t, environ.With(test.change), "check", "-offline")
			assert.Equal(t, 2, code)
			assert.Contains(t, checkLines(stdout)[test.wrong[0]], "✗ "+test.wrong[0]+": the signature in "+test.variable+" expired at ")
		})
	}
}

func TestCheckOfflineTouchesNothing(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t)
	environ := harness.BlobSettings(t, hub, c, s.URL)
	code, stdout, _ := harness.RunToEnd(t, environ, "check", "-offline")
	assert.Zero(t, code)
	assertMarks(t, checkLines(stdout), nil, checkParts[1:])
	assert.Equal(t, 2, strings.Count(stdout, "\n"), "the untried parts share a line:\n%s", stdout)
	assert.Zero(t, hub.Dialled())
	assert.Zero(t, s.Posted())
	code, stdout, _ = harness.RunToEnd(t, environ.With(harness.Settings{"WEBSINKURL": "sink"}), "check", "-offline")
	assert.Equal(t, 2, code)
	assert.Contains(t, stdout, `WEBSINKURL is "sink"`)
}

func TestCheckTriesOnlyThePartsThatAreNamed(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewEmptyBlobs(t)
	environ := harness.BlobSettings(t, hub, c, s.URL)
	code, stdout, _ := harness.RunToEnd(t, environ, "check", "-only", "sink")
	assert.Zero(t, code)
	assert.Regexp(t, `^✓ sink: .*\n$`, stdout)
	assert.Zero(t, hub.Dialled())
	code, stdout, stderr := harness.RunToEnd(t, environ, "check", "-only", "falco")
	assert.Equal(t, 2, code)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, `there is no part "falco" to check: take configuration, clock, event hub, `)
}

func TestCheckPrintsJSONWithTheLagOfEachPartition(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 2), harness.StartSink(t), harness.NewBlobs(t)
	hub.Append("1", harness.AuditHubEvent(t, harness.AuditEvent("1", 0)))
	code, stdout, _ := harness.RunToEnd(t, harness.BlobSettings(t, hub, c, s.URL), "check", "-json", "-only", "events")
	assert.Zero(t, code)
	var report struct {
		OK    bool
		Parts []struct {
			Part, State, Message string
			Partitions           []map[string]any
		}
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &report), stdout)
	assert.True(t, report.OK)
	require.Len(t, report.Parts, 1)
	assert.Equal(t, "works", report.Parts[0].State)
	assert.Contains(t, report.Parts[0].Message, "1 is waiting (by partition: 1: 1)")
	assert.Equal(t, []map[string]any{{"partition": "0", "lag_events": 0.0}, {"partition": "1", "lag_events": 1.0}}, report.Parts[0].Partitions)
	assert.Empty(t, c.Metadata(t))
}

func TestCheckOfAHubThatNothingIsWrittenToFails(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewEmptyBlobs(t)
	hub.AppendMessage("0", hubtest.Message{Body: [][]byte{harness.AuditHubEvent(t, harness.AuditEvent("0", 0))}, Enqueued: time.Now().Add(-73 * time.Hour)})
	code, lines := runCheck(t, harness.BlobSettings(t, hub, c, s.URL))
	assert.Equal(t, 1, code)
	assertMarks(t, lines, []string{"events"}, nil)
	assert.Contains(t, lines["events"], "the newest came in 3 days ago (")
	assert.Contains(t, lines["events"], "diagnostic setting")
}

func TestCheckFindsOutWhetherTheContainerCanBeMade(t *testing.T) {
	t.Parallel()
	hub, s := harness.StartHub(t, 1), harness.StartSink(t)
	for name, test := range map[string]struct {
		change         harness.Settings
		wrong, untried []string
		advice         string
	}{
		"it can": {nil, nil, nil, "does not exist yet and will be made when the daemon starts"},
		"it may not": {
			sasWith(t, azblob.AccountSASPermissions{Read: true, List: true}), []string{"checkpoints"}, []string{"dead letters"},
			"does not exist, and it cannot be created with BLOBSTORAGECONNECTIONSTRING (create it, or permit creating containers)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := harness.NewBlobs(t)
			_, lines := runCheck(t, harness.BlobSettings(t, hub, c, s.URL).With(test.change))
			assertMarks(t, lines, test.wrong, test.untried)
			assert.Contains(t, lines["checkpoints"], test.advice)
			assert.NotContains(t, lines["checkpoints"], "still there")
			_, err := c.URL.GetProperties(t.Context(), azblob.LeaseAccessConditions{})
			require.Error(t, err, "it was not made")
		})
	}
}

func TestCheckFollowsTheTransportOfTheConnectionString(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewEmptyBlobs(t)
	hub.GoSilent(true)
	t.Cleanup(func() { hub.GoSilent(false) })
	connection := harness.Settings{"EHUBNAMESPACECONNECTIONSTRING": hub.ConnectionString() + ";TransportType=AmqpWebSockets"}
	_, stdout, _ := harness.RunToEnd(t, harness.BlobSettings(t, hub, c, s.URL).With(connection), "check", "-only", "event-hub")
	assert.Contains(t, stdout, " cannot be reached by WebSocket (port ")
}

// Each part has a service of its own that does not answer. All parts say so in the same words, with the port that was
// tried.
func TestCheckWordsAllTimeOutsAlike(t *testing.T) {
	t.Parallel()
	hub, c := harness.StartHub(t, 1), harness.NewEmptyBlobs(t)
	hub.GoSilent(true)
	t.Cleanup(func() { hub.GoSilent(false) })
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // accepts, and never answers
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, silent.Close()) })
	storage := strings.Replace(harness.SharedAzurite(t).ConnectionString(), harness.SharedAzurite(t).Endpoint, "http://"+silent.Addr().String()+"/"+harness.StorageAccount, 1)
	environ := harness.BlobSettings(t, hub, c, "http://"+silent.Addr().String()+"/k8s-audit").With(harness.Settings{"BLOBSTORAGECONNECTIONSTRING": storage})
	code, stdout, _ := harness.RunToEnd(t, environ, "check", "-only", "event-hub,checkpoints,sink")
	assert.Equal(t, 1, code)
	for line := range strings.Lines(stdout) {
		assert.Regexp(t, `^✗ .*no answer within 10s`, line)
		assert.NotContains(t, line, "deadline")
	}
	_, port, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(endpointOf(hub.ConnectionString()), "Endpoint=sb://"), "/"))
	require.NoError(t, err)
	assert.Contains(t, checkLines(stdout)["event hub"], "by AMQP (port "+port+")")
}
