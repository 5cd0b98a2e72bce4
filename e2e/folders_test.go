package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// addFolders adds what a storage account with a hierarchical namespace lists besides the blobs: each folder of the
// paths, as an empty blob.
func addFolders(t *testing.T, c harness.Blobs, paths ...string) {
	t.Helper()
	added := map[string]bool{}
	for _, path := range paths {
		folder := ""
		for segment := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
			folder = strings.TrimPrefix(folder+"/"+segment, "/")
			if !added[folder] {
				added[folder] = true
				c.Add(t, folder, map[string]string{"hdi_isfolder": "true"})
			}
		}
	}
}

func TestFoldersAmongTheBlobsAreNeitherDeadLettersNorCheckpoints(t *testing.T) {
	t.Parallel()
	for _, client := range []string{harness.CurrentClient, harness.LegacyClient} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			hub, s, c := harness.StartHub(t, 1), harness.StartSink(t), harness.NewEmptyBlobs(t)
			addFolders(t, c, harness.OwnershipPath, harness.CheckpointPath, harness.DeadLetterPath+"0", "0")
			// Other tools mark folders in other ways.
			for _, marker := range []string{"1", "0_$folder$", "notes.txt"} {
				c.Add(t, harness.DeadLetterPath+marker, nil)
			}
			good, refused := harness.AuditEvent("0", 0), harness.AuditEvent("0", 1)
			s.Refuse(refused)
			hub.Append("0", harness.AuditHubEvent(t, good, refused))
			environ := harness.BlobSettings(t, hub, c, s.URL).With(harness.Settings{"EVENTHUBCLIENT": client, "CHECKPOINTINTERVAL": "100ms"})
			d := harness.StartDaemon(t, environ)
			d.AwaitMetric(t, `aks_audit_log_dead_letters_total{reason="refused"}`, 1)
			d.AwaitReady(t)
			s.Refuse("")

			code, stdout, stderr := harness.RunToEnd(t, environ, "deadletters", "list")
			assert.Zero(t, code, stdout+stderr)
			lines := strings.Split(strings.TrimSpace(stdout), "\n")
			require.Len(t, lines, 2, "a heading and one letter")
			assert.Contains(t, lines[1], harness.AuditID("0", 1))
			code, stdout, stderr = harness.RunToEnd(t, environ, "deadletters", "replay", "-dry-run")
			assert.Zero(t, code, stdout+stderr)
			code, stdout, stderr = harness.RunToEnd(t, environ, "deadletters", "replay")
			assert.Zero(t, code, stdout+stderr)
			assert.Contains(t, stdout, "1 sent, 1 of them deleted, 0 kept")
			assert.Equal(t, []string{good, refused}, s.Accepted())

			harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoint is written")
			code, stdout, stderr = harness.RunToEnd(t, environ, "checkpoints", "show")
			assert.Zero(t, code, stdout+stderr)
			assert.NotContains(t, stdout, "unreadable")
			assert.Len(t, strings.Split(strings.TrimSpace(stdout), "\n"), 2, "a heading and partition 0, not the folders:\n%s", stdout)
			code, parts := runCheck(t, environ)
			assert.Zero(t, code)
			assertMarks(t, parts, nil, nil)

			late := harness.AuditEvent("0", 2)
			hub.Append("0", harness.AuditHubEvent(t, late))
			s.Await(t, 3)
			d.Stop(t)
			last := harness.AuditEvent("0", 3)
			hub.Append("0", harness.AuditHubEvent(t, last))
			again := harness.StartDaemon(t, environ)
			s.Await(t, 4)
			again.Stop(t)
			assert.Equal(t, []string{good, refused, late, last}, s.Accepted())
		})
	}
}
