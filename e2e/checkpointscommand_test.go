package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// typedPath is where Azure's Go SDK looks for checkpoints. It uses the names as they are written in the environment.
const typedPath = "127.0.0.1/" + harness.HubName + "/$Default/checkpoint/"

// shownPartition is what `checkpoints show -json` says about a partition.
type shownPartition struct {
	Partition string `json:"partition"`
	Sequence  *int64 `json:"sequence_number"`
	Offset    string `json:"offset"`
	Newest    *int64 `json:"newest_sequence_number"`
	Lag       *int64 `json:"lag_events"`
	Owner     string `json:"owner"`
	Owned     bool   `json:"owned"`
	Found     []struct {
		Place    string `json:"place"`
		Sequence *int64 `json:"sequence_number"`
		Lease    bool   `json:"lease"`
	} `json:"found"`
}

// showCheckpoints runs `checkpoints show -json`.
func showCheckpoints(t *testing.T, s harness.Settings) []shownPartition {
	t.Helper()
	code, stdout, stderr := harness.RunToEnd(t, s, "checkpoints", "show", "-json")
	require.Zero(t, code, stderr)
	var report struct {
		Partitions []shownPartition `json:"partitions"`
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	return report.Partitions
}

// tableRow returns the cells of the line of a table with this first cell.
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

func TestCheckpointsShowPrintsWhatEachPredecessorLeft(t *testing.T) {
	t.Parallel()
	hub, c := harness.StartHub(t, 5), harness.NewBlobs(t)
	fed := harness.NewFeed(hub)
	fed.Add(t, 3, 1)
	at := hub.Partition("0")
	fed.Add(t, 4, 1)
	c.Put(t, typedPath+"0", map[string]string{"sequencenumber": "1", "offset": "24"})
	c.Add(t, harness.CheckpointPath+"0", map[string]string{"sequencenumber": fmt.Sprint(at.LastSequence)})
	c.Write(t, "1", lease("1", at.LastSequence, at.LastOffset))
	c.Write(t, "0", lease("0", 6, "4711"))
	c.Add(t, typedPath+"2", map[string]string{"sequencenumber": "rubbish"})
	c.Add(t, harness.CheckpointPath+"3", map[string]string{"sequencenumber": "4711", "offset": "4711"})
	environ := harness.BlobSettings(t, hub, c, "http://127.0.0.1:1/")
	before := c.Metadata(t)

	code, table, stderr := harness.RunToEnd(t, environ, "checkpoints", "show")
	require.Zero(t, code, stderr)
	assert.Equal(t, []string{"PARTITION", "SEQUENCE", "OFFSET", "NEWEST", "LAG", "OWNER", "RENEWED", "FOUND", "AT"}, tableRow(t, table, "PARTITION"))
	assert.Equal(t, []string{"0", "2", "-", "6", "4", "-", "-", harness.CheckpointPath + "0"}, tableRow(t, table, "0"))
	assert.Equal(t, []string{"1", "24", typedPath + "0"}, strings.Fields(strings.Split(table, "\n")[2]), "another spelling of partition 0")
	assert.Equal(t, []string{"1", "2", at.LastOffset, "6", "4", "-", "-", "1", "(lease", "of", "the", "retired", "SDK)"}, strings.Fields(strings.Split(table, "\n")[3]))
	assert.Equal(t, []string{"2", "unreadable", "-", "6", "7", "-", "-", typedPath + "2"}, tableRow(t, table, "2"))
	assert.Equal(t, []string{"3", "4711", "4711", "6", "7", "-", "-", harness.CheckpointPath + "3"}, tableRow(t, table, "3"), "beyond the end: it would be read from its oldest event")
	assert.Equal(t, []string{"4", "none", "6", "7", "-", "-"}, tableRow(t, table, "4"))
	assert.Equal(t, before, c.Metadata(t), "nothing was changed")
}

func TestCheckpointsShowWorksWhileTheDaemonRuns(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]harness.Settings{
		"blobs": {"BLOBSTORAGECONNECTIONSTRING": harness.SharedAzurite(t).ConnectionString(), "BLOBCONTAINERNAME": harness.NewBlobs(t).Name},
		"files": {"CHECKPOINTDIR": t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s := harness.StartHub(t, 2), harness.StartSink(t)
			fed := harness.NewFeed(hub)
			fed.Add(t, 3, 2)
			environ := harness.HubSettings(t, hub, s.URL).With(store).With(harness.Settings{"CHECKPOINTINTERVAL": "100ms"})
			d := harness.StartDaemon(t, environ)
			s.Await(t, fed.Total()) // so that the container or the folder exists
			var shown []shownPartition
			harness.Wait(t, func() bool {
				shown = showCheckpoints(t, environ)
				return len(shown) == 2 && len(shown[0].Found) == 1 && len(shown[1].Found) == 1 && *shown[0].Lag+*shown[1].Lag == 0
			}, "no partition has a lag")
			for _, partition := range shown {
				last := hub.Partition(partition.Partition)
				assert.Equal(t, last.LastSequence, *partition.Sequence)
				assert.Equal(t, last.LastSequence, *partition.Newest)
				assert.Equal(t, last.LastOffset, partition.Offset)
				assert.Contains(t, partition.Found[0].Place, harness.CheckpointPath+partition.Partition)
				assert.Equal(t, name == "blobs", partition.Owned)
				assert.Equal(t, name == "blobs", partition.Owner != "")
			}
			s.AnswerWith(500)
			fed.Add(t, 2, 1)
			shown = showCheckpoints(t, environ)
			assert.Equal(t, []int64{2, 2}, []int64{*shown[0].Lag, *shown[1].Lag})
			s.AnswerWith(200)
			s.Await(t, fed.Total())
			d.Stop(t)
			fed.AssertOnceInOrder(t, s.Accepted())
		})
	}
}

func TestCheckpointsShowSaysWhatItKnowsWithoutTheHub(t *testing.T) {
	t.Parallel()
	for _, client := range []string{"azeventhubs", "azure-event-hubs-go"} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			hub, c := harness.StartHub(t, 1), harness.NewBlobs(t)
			environ := harness.BlobSettings(t, hub, c, "http://127.0.0.1:1/").With(harness.Settings{"EVENTHUBCLIENT": client, "LOGLEVEL": "info"})
			hub.Close()
			c.Put(t, harness.CheckpointPath+"0", map[string]string{"sequencenumber": "41", "offset": "4711"})
			code, table, stderr := harness.RunToEnd(t, environ, "checkpoints", "show")
			assert.Equal(t, 1, code)
			assert.Equal(t, []string{"0", "41", "4711", "-", "-", "-", "-", harness.CheckpointPath + "0"}, tableRow(t, table, "0"))
			assert.Contains(t, stderr, "checkpoints show: the lag is not known: ask the event hub")
			assert.NotContains(t, stderr, "SharedAccessKey=")
		})
	}
}

func TestCheckpointsExportWritesThemInAnotherSpelling(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 2), harness.StartSink(t), harness.NewBlobs(t)
	fed := harness.NewFeed(hub)
	fed.Add(t, 3, 2)
	environ := harness.BlobSettings(t, hub, c, s.URL)
	d := harness.StartDaemon(t, environ)
	s.Await(t, fed.Total())
	d.Stop(t)
	harness.AssertCaughtUp(t, hub, c)

	code, table, stderr := harness.RunToEnd(t, environ, "checkpoints", "export")
	require.Zero(t, code, stderr)
	upper := "127.0.0.1/" + strings.ToUpper(harness.HubName) + "/$dEFAULT/checkpoint/"
	code, _, stderr = harness.RunToEnd(t, environ, "checkpoints", "export", "-hub", strings.ToUpper(harness.HubName), "-group", "$dEFAULT")
	require.Zero(t, code, stderr)
	for _, partition := range hub.PartitionIDs() {
		last := hub.Partition(partition)
		assert.Equal(t, []string{partition, fmt.Sprint(last.LastSequence), last.LastOffset, "written", typedPath + partition}, tableRow(t, table, partition))
		for _, folder := range []string{typedPath, upper, harness.CheckpointPath} {
			assert.Equal(t, harness.CheckpointMetadata(last), c.Metadata(t)[folder+partition], folder)
		}
	}

	before := c.Metadata(t)
	code, table, stderr = harness.RunToEnd(t, environ, "checkpoints", "export")
	require.Zero(t, code, stderr)
	assert.Contains(t, table, "is stored there already")
	assert.Equal(t, before, c.Metadata(t))
	for flag, value := range map[string]string{"-namespace": "other.servicebus.windows.net", "-hub": "other", "-group": "other"} {
		code, _, stderr = harness.RunToEnd(t, environ, "checkpoints", "export", flag, value)
		assert.Equal(t, 2, code, flag)
		assert.Contains(t, stderr, flag+" has to be ")
	}
}

func TestCheckpointsExportNeverMovesACheckpointBack(t *testing.T) {
	t.Parallel()
	hub, c := harness.StartHub(t, 5), harness.NewBlobs(t)
	harness.NewFeed(hub).Add(t, 6, 1)
	last := hub.Partition("0")
	at := func(sequence int, offset string) map[string]string {
		return map[string]string{"sequencenumber": fmt.Sprint(sequence), "offset": offset}
	}
	c.Put(t, typedPath+"0", at(4, "400"))
	for name, metadata := range map[string]map[string]string{
		harness.CheckpointPath + "0": at(3, "300"),
		typedPath + "1":              {"sequencenumber": "rubbish"}, harness.CheckpointPath + "1": at(3, "300"),
		harness.CheckpointPath + "2": {"sequencenumber": fmt.Sprint(last.LastSequence)},
		harness.CheckpointPath + "3": {"sequencenumber": "3"},
		harness.CheckpointPath + "4": {"sequencenumber": "rubbish"},
	} {
		c.Add(t, name, metadata)
	}
	code, table, stderr := harness.RunToEnd(t, harness.BlobSettings(t, hub, c, "http://127.0.0.1:1/"), "checkpoints", "export")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "not all checkpoints were exported")
	blobs := c.Metadata(t)
	assert.Equal(t, at(4, "400"), blobs[typedPath+"0"], "further than ours")
	assert.Equal(t, at(3, "300"), blobs[typedPath+"1"], "over rubbish")
	assert.Equal(t, at(int(last.LastSequence), last.LastOffset), blobs[typedPath+"2"], "the hub tells the offset of its newest event")
	assert.NotContains(t, blobs, typedPath+"3", "a reader that needs the offset would fail")
	assert.NotContains(t, blobs, typedPath+"4")
	assert.Contains(t, strings.Join(tableRow(t, table, "3"), " "), "not written: the offset is not known")
	assert.Contains(t, strings.Join(tableRow(t, table, "4"), " "), "nothing to export")
}

func TestCommandsSayWhatIsWrongWithTheStorage(t *testing.T) {
	t.Parallel()
	hub, c := harness.StartHub(t, 1), harness.NewBlobs(t)
	environ := harness.BlobSettings(t, hub, c, "http://127.0.0.1:1/")
	for _, args := range [][]string{{"checkpoints", "show"}, {"checkpoints", "export"}, {"deadletters", "list"}, {"deadletters", "replay"}} {
		code, _, stderr := harness.RunToEnd(t, environ, args...)
		assert.Equal(t, 1, code, args)
		assert.Contains(t, stderr, "ContainerNotFound", args)
	}
	assert.Empty(t, c.Metadata(t))
}
