package dir

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/connstr"
	"aks-audit-log-go/internal/eventhubtest"
)

func dirConfig(dir string) forwarder.Config {
	return forwarder.Config{
		HubConnection: connstr.HubConnection{Host: "MyNS.servicebus.windows.net:5671"},
		HubName:       "Insights-Logs", ConsumerGroup: "$Default", CheckpointDir: dir,
	}
}

const scopePath = "myns.servicebus.windows.net/insights-logs/$default"

func openDir(t *testing.T, dir string) eventhub.Store {
	t.Helper()
	store, err := Open(dir, eventhub.ScopeOf(dirConfig(dir)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func TestAFolderKeepsCheckpointsAcrossProcesses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	store := openDir(t, dir)
	checkpoints, err := store.ListCheckpoints(t.Context())
	require.NoError(t, err)
	assert.Empty(t, checkpoints)

	updated, err := store.UpdateCheckpoint(t.Context(), eventhub.Checkpoint{Partition: "3", Sequence: 7, Offset: "4711"})
	require.NoError(t, err)
	updated.Sequence, updated.Offset = 8, "4712"
	_, err = store.UpdateCheckpoint(t.Context(), updated)
	require.NoError(t, err)
	require.NoError(t, store.Close())

	checkpoints, err = openDir(t, dir).ListCheckpoints(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []eventhub.Checkpoint{{Partition: "3", Sequence: 8, Offset: "4712", Version: written}}, checkpoints)
	content, err := os.ReadFile(filepath.Join(dir, scopePath, "checkpoint", "3"))
	require.NoError(t, err)
	assert.JSONEq(t, `{"sequencenumber":8,"offset":"4712"}`, string(content))
}

func TestAFolderIsUsedByOneProcess(t *testing.T) {
	dir := t.TempDir()
	store := openDir(t, dir)
	_, err := Open(dir, eventhub.ScopeOf(dirConfig(dir)))
	require.ErrorContains(t, err, "another process uses CHECKPOINTDIR")
	require.NoError(t, store.Close())
	openDir(t, dir)
}

func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(filepath.Join(file, "below"), eventhub.ScopeOf(dirConfig(filepath.Join(file, "below"))))
	require.ErrorContains(t, err, "create CHECKPOINTDIR")
}

func TestAnInvalidCheckpointFileMeansNothingReadYet(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "no JSON": "\x00\x01", "a negative number": `{"sequencenumber":-5}`, "another type": `{"sequencenumber":"x"}`, "no number": `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			folder := filepath.Join(dir, scopePath, "checkpoint")
			require.NoError(t, os.MkdirAll(folder, 0o750))
			require.NoError(t, os.WriteFile(filepath.Join(folder, "0"), []byte(content), 0o600))
			checkpoints, err := openDir(t, dir).ListCheckpoints(t.Context())
			require.NoError(t, err)
			assert.Equal(t, []eventhub.Checkpoint{{Partition: "0", Sequence: eventhub.NoSequence, Version: written}}, checkpoints)
		})
	}
}

func TestAHalfWrittenFileOfACrashIsIgnored(t *testing.T) {
	dir := t.TempDir()
	store := openDir(t, dir)
	_, err := store.UpdateCheckpoint(t.Context(), eventhub.Checkpoint{Partition: "0", Sequence: 1})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, scopePath, "checkpoint", "0"+temporary), []byte(`{"seq`), 0o600))
	checkpoints, err := store.ListCheckpoints(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []eventhub.Checkpoint{{Partition: "0", Sequence: 1, Version: written}}, checkpoints)
}

func TestACheckpointThatCannotBeWrittenLeavesTheOldOne(t *testing.T) {
	dir := t.TempDir()
	store := openDir(t, dir)
	old, err := store.UpdateCheckpoint(t.Context(), eventhub.Checkpoint{Partition: "0", Sequence: 1})
	require.NoError(t, err)
	// A folder in the place of the temporary file stands for a full disk.
	require.NoError(t, os.Mkdir(filepath.Join(dir, scopePath, "checkpoint", "0"+temporary), 0o750))
	old.Sequence = 2
	_, err = store.UpdateCheckpoint(t.Context(), old)
	require.ErrorContains(t, err, "update checkpoint of partition 0")
	checkpoints, err := store.ListCheckpoints(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []eventhub.Checkpoint{{Partition: "0", Sequence: 1, Version: written}}, checkpoints)
}

func TestADeadLetterFileHoldsAllFields(t *testing.T) {
	dir := t.TempDir()
	letter := eventhub.DeadLetter{
		Partition: "3", Sequence: 42, Record: 7, Enqueued: eventhubtest.Noon, Reason: audit.ReasonRefused,
		Detail: "400 Bad Request", Category: "kube-audit", Content: []byte(eventhubtest.Audit("a")),
	}
	require.NoError(t, openDir(t, dir).StoreDeadLetters(t.Context(), []eventhub.DeadLetter{letter}))
	content, err := os.ReadFile(filepath.Join(dir, scopePath, "deadletter", "3", "42-7-1769860800000.json"))
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(content, &got))
	assert.Equal(t, map[string]any{
		"reason": "refused", "detail": "400 Bad Request", "partition": "3", "sequenceNumber": 42.0, "record": 7.0,
		"enqueuedTime": "2026-01-31T12:00:00Z", "category": "kube-audit", "content": eventhubtest.Audit("a"),
	}, got)
}

// The owner decides whether to write a deleted file again.
func TestADeletedCheckpointFileIsToldFromANewOne(t *testing.T) {
	dir := t.TempDir()
	store := openDir(t, dir)
	checkpoint, err := store.UpdateCheckpoint(t.Context(), eventhub.Checkpoint{Partition: "0", Sequence: 1})
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, scopePath)))
	checkpoint.Sequence = 2
	_, err = store.UpdateCheckpoint(t.Context(), checkpoint)
	require.ErrorIs(t, err, eventhub.ErrNotFound)
	checkpoint.Version = ""
	checkpoint, err = store.UpdateCheckpoint(t.Context(), checkpoint)
	require.NoError(t, err)
	checkpoints, err := store.ListCheckpoints(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []eventhub.Checkpoint{checkpoint}, checkpoints)
}

func TestAFolderRemembersTheFirstPartitions(t *testing.T) {
	dir := t.TempDir()
	store := openDir(t, dir)
	for _, asked := range [][]string{{"0", "1"}, {"0", "1", "2"}} {
		remembered, err := store.RememberPartitions(t.Context(), asked)
		require.NoError(t, err)
		assert.Equal(t, []string{"0", "1"}, remembered)
	}
	checkpoints, err := store.ListCheckpoints(t.Context())
	require.NoError(t, err)
	assert.Empty(t, checkpoints)
	require.NoError(t, os.WriteFile(filepath.Join(dir, scopePath, eventhub.PartitionsRecord), []byte("rubbish"), 0o600))
	_, err = store.RememberPartitions(t.Context(), []string{"0"})
	require.ErrorContains(t, err, "delete "+filepath.Join(dir, scopePath, eventhub.PartitionsRecord))
}
