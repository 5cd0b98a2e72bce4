package dir

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/eventhubtest"
)

// openDirRecords opens the records of a store in dir, as a command does.
func openDirRecords(t *testing.T, dir string) eventhub.Records {
	t.Helper()
	records, err := OpenBeside(dirConfig(dir).CheckpointDir, eventhub.ScopeOf(dirConfig(dir)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, records.Close()) })
	return records
}

func TestDeadLetterFilesAreListedReadAndDeletedBesideADaemon(t *testing.T) {
	dir := t.TempDir()
	store, records := openDir(t, dir), openDirRecords(t, dir)
	names, err := records.ListDeadLetters(t.Context())
	require.NoError(t, err)
	assert.Empty(t, names)

	for _, letter := range []eventhub.DeadLetter{
		{Partition: "10", Sequence: 1, Reason: "refused", Content: []byte("a")}, {Partition: "2", Sequence: 10, Reason: "refused"},
		{Partition: "2", Sequence: 9, Record: 21, Reason: "not_json", Detail: "d", Category: "c", Enqueued: eventhubtest.Noon, Content: []byte{0xff}}, {Partition: "2", Sequence: 9, Record: 3, Reason: "refused"},
	} {
		require.NoError(t, store.StoreDeadLetters(t.Context(), []eventhub.DeadLetter{letter}))
	}
	folder := filepath.Join(dir, scopePath, "deadletter")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "2", "9-4.json"+temporary), []byte("{"), 0o600))
	names, err = records.ListDeadLetters(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"2/9-3.json", "2/9-21-1769860800000.json", "2/10-0.json", "10/1-0.json"}, names)

	letters, _, err := records.ReadDeadLetters(t.Context(), "2/9-21-1769860800000.json")
	require.NoError(t, err)
	assert.Equal(t, []eventhub.DeadLetter{{Partition: "2", Sequence: 9, Record: 21, Reason: "not_json", Detail: "d", Category: "c", Enqueued: eventhubtest.Noon, Content: []byte{0xff}}}, letters)
	require.NoError(t, records.DeleteDeadLetters(t.Context(), "2/9-21-1769860800000.json", ""))
	require.NoError(t, records.DeleteDeadLetters(t.Context(), "2/9-21-1769860800000.json", ""), "once more")
	_, _, err = records.ReadDeadLetters(t.Context(), "2/9-21-1769860800000.json")
	require.ErrorIs(t, err, eventhub.ErrNotFound)
	names, err = records.ListDeadLetters(t.Context())
	require.NoError(t, err)
	assert.Len(t, names, 3)
}

func TestADeadLetterOfAHubMadeAnewReplacesNoneOfTheOldOne(t *testing.T) {
	dir := t.TempDir()
	store, records := openDir(t, dir), openDirRecords(t, dir)
	old := eventhub.DeadLetter{Partition: "0", Reason: "not_json", Enqueued: eventhubtest.Noon, Content: []byte("old")}
	anew := old
	anew.Enqueued, anew.Content = old.Enqueued.Add(time.Hour), []byte("anew")
	again := old
	again.Content = []byte("stored again after a crash")
	for _, letter := range []eventhub.DeadLetter{old, anew, again} {
		require.NoError(t, store.StoreDeadLetters(t.Context(), []eventhub.DeadLetter{letter}))
	}
	for _, want := range []eventhub.DeadLetter{old, anew} {
		letters, _, err := records.ReadDeadLetters(t.Context(), want.Name())
		require.NoError(t, err)
		assert.Equal(t, []eventhub.DeadLetter{want}, letters)
	}
}

func TestWhatIsNoDeadLetterIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	store, records := openDir(t, dir), openDirRecords(t, dir)
	letter := eventhub.DeadLetter{Partition: "0", Sequence: 1, Reason: "refused"}
	require.NoError(t, store.StoreDeadLetters(t.Context(), []eventhub.DeadLetter{letter}))
	_, err := store.UpdateCheckpoint(t.Context(), eventhub.Checkpoint{Partition: "0", Sequence: 1})
	require.NoError(t, err)
	scope := filepath.Join(dir, scopePath)
	for _, folder := range []string{"deadletter/1.json", "checkpoint/.snapshot"} {
		require.NoError(t, os.MkdirAll(filepath.Join(scope, folder), 0o750))
	}
	for _, file := range []string{"notes.txt", "0_$folder$", "0/1-0.json~"} {
		require.NoError(t, os.WriteFile(filepath.Join(scope, "deadletter", file), nil, 0o600))
	}
	names, err := records.ListDeadLetters(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{letter.Name()}, names)
	found, err := records.FindCheckpoints(t.Context())
	require.NoError(t, err)
	assert.Len(t, found, 1)
}

func TestSeveralDeadLettersAreOneFile(t *testing.T) {
	dir := t.TempDir()
	store, records := openDir(t, dir), openDirRecords(t, dir)
	letters := []eventhub.DeadLetter{
		{Partition: "0", Sequence: 9, Reason: "cut", Content: []byte("a")},
		{Partition: "0", Sequence: 10, Reason: "cut", Content: []byte("b")},
	}
	require.NoError(t, store.StoreDeadLetters(t.Context(), letters))
	require.NoError(t, store.StoreDeadLetters(t.Context(), letters), "again after a crash")
	names, err := records.ListDeadLetters(t.Context())
	require.NoError(t, err)
	require.Len(t, names, 1)
	read, _, err := records.ReadDeadLetters(t.Context(), names[0])
	require.NoError(t, err)
	assert.Equal(t, letters, read)
}
