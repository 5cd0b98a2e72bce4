package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/hubtest"
)

// typedPath is where Azure's Go SDK looks for checkpoints, with the names as the environment has them.
const typedPath = "127.0.0.1/" + hubName + "/$Default/checkpoint/"

// shownPartition is what `checkpoints show -json` says of one.
type shownPartition struct {
	Partition string `json:"partition"`
	Sequence  *int64 `json:"sequenceNumber"`
	Offset    string `json:"offset"`
	Newest    *int64 `json:"newestSequenceNumber"`
	Lag       *int64 `json:"lagEvents"`
	Owner     string `json:"owner"`
	Owned     bool   `json:"owned"`
	Found     []struct {
		Place    string `json:"place"`
		Sequence *int64 `json:"sequenceNumber"`
		Lease    bool   `json:"lease"`
	} `json:"found"`
}

// showCheckpoints runs `checkpoints show -json`.
func showCheckpoints(t *testing.T, s settings) []shownPartition {
	t.Helper()
	code, stdout, stderr := runToEnd(t, s, "checkpoints", "show", "-json")
	require.Zero(t, code, stderr)
	var report struct {
		Partitions []shownPartition `json:"partitions"`
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	return report.Partitions
}

// tableRow finds a line of a table by its first cell and answers its cells.
func tableRow(t *testing.T, table, first string) []string {
	t.Helper()
	for line := range strings.Lines(table) {
		if cells := strings.Fields(line); len(cells) > 0 && cells[0] == first {
			return cells
		}
	}
	require.Fail(t, "no such line", "%s in\n%s", first, table)
	return nil
}

// metadataOf is a checkpoint blob's.
func metadataOf(last hubtest.PartitionInfo) map[string]string {
	return map[string]string{"sequencenumber": fmt.Sprint(last.LastSequence), "offset": last.LastOffset}
}

func TestCheckpointsShowPrintsWhatEachPredecessorLeft(t *testing.T) {
	t.Parallel()
	hub, c := startHub(t, 5), newContainer(t)
	fed := newFeed(hub)
	fed.add(t, 3, 1)
	at := hub.Partition("0")
	fed.add(t, 4, 1)
	c.put(t, checkpointPath+"0", map[string]string{"sequencenumber": fmt.Sprint(at.LastSequence)})
	c.add(t, typedPath+"0", map[string]string{"sequencenumber": "1", "offset": "24"})
	c.write(t, "1", lease("1", at.LastSequence, at.LastOffset))
	c.write(t, "0", lease("0", 6, "4711"))
	c.add(t, typedPath+"2", map[string]string{"sequencenumber": "rubbish"})
	c.add(t, checkpointPath+"3", map[string]string{"sequencenumber": "4711", "offset": "4711"})
	environ := blobSettings(t, hub, c, "http://127.0.0.1:1/")
	before := c.metadata(t)

	code, table, stderr := runToEnd(t, environ, "checkpoints", "show")
	require.Zero(t, code, stderr)
	assert.Equal(t, []string{"PARTITION", "SEQUENCE", "OFFSET", "NEWEST", "LAG", "OWNER", "RENEWED", "FOUND", "AT"}, tableRow(t, table, "PARTITION"))
	assert.Equal(t, []string{"0", "2", "-", "6", "4", "-", "-", checkpointPath + "0"}, tableRow(t, table, "0"))
	assert.Equal(t, []string{"1", "24", typedPath + "0"}, strings.Fields(strings.Split(table, "\n")[2]), "another spelling of partition 0")
	assert.Equal(t, []string{"1", "2", at.LastOffset, "6", "4", "-", "-", "1", "(lease", "of", "the", "retired", "SDK)"}, strings.Fields(strings.Split(table, "\n")[3]))
	assert.Equal(t, []string{"2", "unreadable", "-", "6", "7", "-", "-", typedPath + "2"}, tableRow(t, table, "2"))
	assert.Equal(t, []string{"3", "4711", "4711", "6", "7", "-", "-", checkpointPath + "3"}, tableRow(t, table, "3"), "beyond the end: it would be read from its oldest event")
	assert.Equal(t, []string{"4", "none", "6", "7", "-", "-"}, tableRow(t, table, "4"))
	assert.Equal(t, before, c.metadata(t), "nothing was changed")
}

func TestCheckpointsShowWorksWhileTheDaemonRuns(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]settings{
		"blobs": {"BLOBSTORAGECONNECTIONSTRING": storage(t).connectionString(), "BLOBCONTAINERNAME": newContainer(t).name},
		"files": {"CHECKPOINTDIR": t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s := startHub(t, 2), startSink(t)
			fed := newFeed(hub)
			fed.add(t, 3, 2)
			environ := hubSettings(t, hub, s.URL).with(store).with(settings{"CHECKPOINTINTERVAL": "100ms"})
			d := startDaemon(t, environ)
			s.await(t, fed.total()) // so that the container, or the folder, is there
			var shown []shownPartition
			eventually(t, func() bool {
				shown = showCheckpoints(t, environ)
				return len(shown) == 2 && len(shown[0].Found) == 1 && len(shown[1].Found) == 1 && *shown[0].Lag+*shown[1].Lag == 0
			}, "no partition has a lag")
			for _, partition := range shown {
				last := hub.Partition(partition.Partition)
				assert.Equal(t, last.LastSequence, *partition.Sequence)
				assert.Equal(t, last.LastSequence, *partition.Newest)
				assert.Equal(t, last.LastOffset, partition.Offset)
				assert.Contains(t, partition.Found[0].Place, checkpointPath+partition.Partition)
				assert.Equal(t, name == "blobs", partition.Owned)
				assert.Equal(t, name == "blobs", partition.Owner != "")
			}
			s.answer(500)
			fed.add(t, 2, 1)
			shown = showCheckpoints(t, environ)
			assert.Equal(t, []int64{2, 2}, []int64{*shown[0].Lag, *shown[1].Lag})
			s.answer(200)
			s.await(t, fed.total())
			d.stop(t)
			fed.assertOnceInOrder(t, s.accepted())
		})
	}
}

func TestCheckpointsShowSaysWhatItKnowsWithoutTheHub(t *testing.T) {
	t.Parallel()
	for _, client := range []string{"azeventhubs", "azure-event-hubs-go"} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			hub, c := startHub(t, 1), newContainer(t)
			environ := blobSettings(t, hub, c, "http://127.0.0.1:1/").with(settings{"EVENTHUBCLIENT": client, "LOGLEVEL": "info"})
			hub.Close()
			c.put(t, checkpointPath+"0", map[string]string{"sequencenumber": "41", "offset": "4711"})
			code, table, stderr := runToEnd(t, environ, "checkpoints", "show")
			assert.Equal(t, 1, code)
			assert.Equal(t, []string{"0", "41", "4711", "-", "-", "-", "-", checkpointPath + "0"}, tableRow(t, table, "0"))
			assert.Contains(t, stderr, "checkpoints show: the lag is not known: ask the event hub")
			assert.NotContains(t, stderr, "SharedAccessKey=")
		})
	}
}

func TestCheckpointsExportWritesThemInAnotherSpelling(t *testing.T) {
	t.Parallel()
	hub, s, c := startHub(t, 2), startSink(t), newContainer(t)
	fed := newFeed(hub)
	fed.add(t, 3, 2)
	environ := blobSettings(t, hub, c, s.URL)
	d := startDaemon(t, environ)
	s.await(t, fed.total())
	d.stop(t)
	assertCaughtUp(t, hub, c)

	code, table, stderr := runToEnd(t, environ, "checkpoints", "export")
	require.Zero(t, code, stderr)
	upper := "127.0.0.1/" + strings.ToUpper(hubName) + "/$dEFAULT/checkpoint/"
	code, _, stderr = runToEnd(t, environ, "checkpoints", "export", "-hub", strings.ToUpper(hubName), "-group", "$dEFAULT")
	require.Zero(t, code, stderr)
	for _, partition := range hub.PartitionIDs() {
		last := hub.Partition(partition)
		assert.Equal(t, []string{partition, fmt.Sprint(last.LastSequence), last.LastOffset, "written", typedPath + partition}, tableRow(t, table, partition))
		for _, folder := range []string{typedPath, upper, checkpointPath} {
			assert.Equal(t, metadataOf(last), c.metadata(t)[folder+partition], folder)
		}
	}

	before := c.metadata(t)
	code, table, stderr = runToEnd(t, environ, "checkpoints", "export")
	require.Zero(t, code, stderr)
	assert.Contains(t, table, "stands there already")
	assert.Equal(t, before, c.metadata(t))
	for flag, value := range map[string]string{"-namespace": "other.servicebus.windows.net", "-hub": "other", "-group": "other"} {
		code, _, stderr = runToEnd(t, environ, "checkpoints", "export", flag, value)
		assert.Equal(t, 2, code, flag)
		assert.Contains(t, stderr, flag+" has to be ")
	}
}

func TestCheckpointsExportNeverMovesACheckpointBack(t *testing.T) {
	t.Parallel()
	hub, c := startHub(t, 5), newContainer(t)
	newFeed(hub).add(t, 6, 1)
	last := hub.Partition("0")
	at := func(sequence int, offset string) map[string]string {
		return map[string]string{"sequencenumber": fmt.Sprint(sequence), "offset": offset}
	}
	c.put(t, typedPath+"0", at(4, "400"))
	for name, metadata := range map[string]map[string]string{
		checkpointPath + "0": at(3, "300"),
		typedPath + "1":      {"sequencenumber": "rubbish"}, checkpointPath + "1": at(3, "300"),
		checkpointPath + "2": {"sequencenumber": fmt.Sprint(last.LastSequence)},
		checkpointPath + "3": {"sequencenumber": "3"},
		checkpointPath + "4": {"sequencenumber": "rubbish"},
	} {
		c.add(t, name, metadata)
	}
	code, table, stderr := runToEnd(t, blobSettings(t, hub, c, "http://127.0.0.1:1/"), "checkpoints", "export")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "not all checkpoints were exported")
	blobs := c.metadata(t)
	assert.Equal(t, at(4, "400"), blobs[typedPath+"0"], "further than ours")
	assert.Equal(t, at(3, "300"), blobs[typedPath+"1"], "over rubbish")
	assert.Equal(t, metadataOf(last), blobs[typedPath+"2"], "the hub tells the offset of its newest event")
	assert.NotContains(t, blobs, typedPath+"3", "a reader that needs the offset would fail")
	assert.NotContains(t, blobs, typedPath+"4")
	assert.Contains(t, strings.Join(tableRow(t, table, "3"), " "), "not written: the offset is not known")
	assert.Contains(t, strings.Join(tableRow(t, table, "4"), " "), "nothing to export")
}

func TestCommandsSayWhatIsWrongWithTheStorage(t *testing.T) {
	t.Parallel()
	hub, c := startHub(t, 1), newContainer(t)
	environ := blobSettings(t, hub, c, "http://127.0.0.1:1/")
	for _, args := range [][]string{{"checkpoints", "show"}, {"checkpoints", "export"}, {"deadletters", "list"}, {"deadletters", "replay"}} {
		code, _, stderr := runToEnd(t, environ, args...)
		assert.Equal(t, 1, code, args)
		assert.Contains(t, stderr, "ContainerNotFound", args)
	}
	assert.Empty(t, c.metadata(t))
}
