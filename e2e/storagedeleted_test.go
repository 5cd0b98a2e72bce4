package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-storage-blob-go/azblob"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/e2e/harness"
)

// storedCheckpoint is where a daemon stores its checkpoints.
type storedCheckpoint struct {
	environ harness.Settings
	state   harness.StoredState
	remove  func(t *testing.T)
}

// checkpointStores returns the blobs and the folder for a daemon. remove deletes the checkpoint of partition 0.
func checkpointStores(t *testing.T) map[string]storedCheckpoint {
	t.Helper()
	c, dir := harness.NewBlobs(t), t.TempDir()
	return map[string]storedCheckpoint{
		"blobs": {
			harness.Settings{"BLOBSTORAGECONNECTIONSTRING": harness.SharedAzurite(t).ConnectionString(), "BLOBCONTAINERNAME": c.Name},
			harness.StateInBlobs{Blobs: c}, func(t *testing.T) { t.Helper(); deleteBlob(t, c, harness.CheckpointPath+"0") },
		},
		"files": {
			harness.Settings{"CHECKPOINTDIR": dir}, harness.StateInFolder(dir),
			func(t *testing.T) {
				t.Helper()
				require.NoError(t, os.Remove(filepath.Join(dir, filepath.FromSlash(harness.CheckpointPath+"0"))))
			},
		},
	}
}

func deleteBlob(t *testing.T, c harness.Blobs, name string) {
	t.Helper()
	_, err := c.URL.NewBlobURL(name).Delete(t.Context(), azblob.DeleteSnapshotsOptionNone, azblob.BlobAccessConditions{})
	require.NoError(t, err)
}

// checkpoint returns the checkpoint of partition 0, or -1 if there is none.
func (s storedCheckpoint) checkpoint(t *testing.T) int64 {
	t.Helper()
	all, err := s.state.Checkpoints(t.Context())
	require.NoError(t, err)
	if sequence, found := all["0"]; found {
		return sequence
	}
	return -1
}

const checkpointWrittenAgain = "the checkpoint was deleted from the storage: written again"

func TestADeletedCheckpointIsWrittenAgainAndNothingComesTwice(t *testing.T) {
	t.Parallel()
	for name, store := range checkpointStores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s := harness.StartHub(t, 1), harness.StartSink(t)
			fed := harness.NewFeed(hub)
			d := harness.StartDaemon(t, harness.HubSettings(t, hub, s.URL).With(store.environ))
			fed.Add(t, 500, 2)
			s.Await(t, 1000)
			harness.Wait(t, func() bool { return store.checkpoint(t) == 499 }, "the checkpoint stands at the last event")

			store.remove(t)
			fed.Add(t, 50, 2)
			s.Await(t, 1100)
			harness.Wait(t, func() bool { return store.checkpoint(t) == 549 }, "the checkpoint is there again")
			harness.Wait(t, func() bool { return d.Output.Contains(checkpointWrittenAgain) }, "the log says so")
			assert.False(t, d.Output.Contains("partition lost to another reader"))
			d.Stop(t)
			fed.AssertOnceInOrder(t, s.Accepted())
		})
	}
}

// If the start position is latest, a partition that starts again would skip the waiting events.
func TestACheckpointThatIsDeletedBeforeABacklogSkipsNothing(t *testing.T) {
	t.Parallel()
	for name, store := range checkpointStores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hub, s := harness.StartHub(t, 1), harness.StartSink(t)
			slow := make(chan struct{})
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-slow:
					harness.Pause(r.Context(), 50*time.Millisecond)
				default:
				}
				s.Config.Handler.ServeHTTP(w, r)
			}))
			t.Cleanup(proxy.Close)
			fed := harness.NewFeed(hub)
			d := harness.StartDaemon(t, harness.HubSettings(t, hub, proxy.URL).With(store.environ).With(harness.Settings{
				"EVENTHUBSTARTPOSITION": "latest", "POSTBATCHMAXEVENTS": "1", "CHECKPOINTINTERVAL": "1s",
			}))
			awaitStarted(t, []*harness.Daemon{d}, 1)
			fed.Add(t, 20, 2)
			s.Await(t, 40)
			harness.Wait(t, func() bool { return store.checkpoint(t) == 19 }, "the checkpoint stands at the last event")

			close(slow)
			fed.Add(t, 500, 2)
			s.Await(t, 120)
			store.remove(t)
			s.Await(t, 1040)
			harness.Wait(t, func() bool { return store.checkpoint(t) == 519 }, "the checkpoint is there again")
			harness.Wait(t, func() bool { return d.Output.Contains(checkpointWrittenAgain) }, "the log says so")
			d.Stop(t)
			fed.AssertOnceInOrder(t, s.Accepted())
		})
	}
}

// Everything that two replicas have stored is deleted, including the container.
func TestADeletedContainerIsMadeAgainAndEachReplicaKeepsItsPartitions(t *testing.T) {
	t.Parallel()
	hub, s, c := harness.StartHub(t, 4), harness.StartSink(t), harness.NewBlobs(t)
	a, b := startReplicas(t, hub, c, s.URL)
	fed := harness.NewFeed(hub)
	fed.Add(t, 5, 2)
	s.Await(t, fed.Total())
	harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoints stand at the last events")
	owners, err := harness.StateInBlobs{Blobs: c}.Owners(t.Context())
	require.NoError(t, err)

	_, err = c.URL.Delete(t.Context(), azblob.ContainerAccessConditions{})
	require.NoError(t, err)
	fed.Add(t, 5, 2)
	s.Await(t, fed.Total())
	harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoints are there again")
	harness.Wait(t, func() bool {
		found, failure := harness.StateInBlobs{Blobs: c}.Owners(t.Context())
		return failure == nil && len(found) == 4
	}, "the ownerships are there again")
	again, err := harness.StateInBlobs{Blobs: c}.Owners(t.Context())
	require.NoError(t, err)
	assert.Equal(t, owners, again)
	for _, d := range []*harness.Daemon{a, b} {
		harness.Wait(t, func() bool { return d.Output.Contains(checkpointWrittenAgain) }, "the log names the checkpoint")
		assert.True(t, d.Output.Contains("the ownership was deleted from the storage: writing it again"))
		d.Stop(t)
	}
	fed.AssertOnceInOrder(t, s.Accepted())
}

// The daemon may not create the container. It goes on reading, and says why it is not ready. It writes the checkpoint
// after the container has been created.
func TestADeletedContainerThatMayNotBeMadeIsNamedAndNoPositionIsLost(t *testing.T) {
	t.Parallel()
	hub, s, c, p := harness.StartHub(t, 1), harness.StartSink(t), harness.NewBlobs(t), harness.StartStorageProxy(t)
	fed := harness.NewFeed(hub)
	d := harness.StartDaemon(t, harness.BlobSettings(t, hub, c, s.URL).With(p.Settings(t)).With(harness.Settings{
		"EVENTHUBSTARTPOSITION": "latest", "CHECKPOINTINTERVAL": "500ms",
	}))
	awaitStarted(t, []*harness.Daemon{d}, 1)
	fed.Add(t, 5, 2)
	harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoint stands at the last event")

	p.SetFault(refuseCreation)
	_, err := c.URL.Delete(t.Context(), azblob.ContainerAccessConditions{})
	require.NoError(t, err)
	fed.Add(t, 5, 2)
	s.Await(t, fed.Total())
	d.AwaitReason(t, "the container "+c.Name+" does not exist, and it cannot be created with BLOBSTORAGECONNECTIONSTRING")
	fed.Add(t, 5, 2)
	s.Await(t, fed.Total())

	_, err = c.URL.Create(t.Context(), nil, azblob.PublicAccessNone)
	require.NoError(t, err)
	d.AwaitReady(t)
	harness.Wait(t, func() bool { return harness.CaughtUp(t, hub, c) }, "the checkpoint is there again")
	d.Stop(t)
	fed.AssertOnceInOrder(t, s.Accepted())
}
