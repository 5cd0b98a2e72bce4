package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/Azure/azure-storage-blob-go/azblob"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/hubtest"
)

// StoredState reads what a daemon stores outside its process: checkpoints and dead letters.
type StoredState interface {
	// Checkpoints returns the sequence number of each partition's checkpoint.
	Checkpoints(ctx context.Context) (map[string]int64, error)
	// DeadLetters returns the dead letters. Those of one object are together.
	DeadLetters(ctx context.Context) ([]StoredDeadLetters, error)
	// RemoveDeadLetters deletes an object.
	RemoveDeadLetters(ctx context.Context, object string) error
}

// StoredDeadLetters are the dead letters of an object. Object is the name of the blob, without the folder.
type StoredDeadLetters struct {
	Object  string
	Letters []DeadLetterPlace
}

// DeadLetterPlace is where in the hub a dead letter's record is.
type DeadLetterPlace struct {
	Partition string
	Sequence  int64
	Record    int
}

// placesOf returns the dead letters of an object. It reads the object only if it has several.
func placesOf(name string, read func() ([]byte, error)) (StoredDeadLetters, error) {
	object := StoredDeadLetters{Object: name}
	if !strings.HasSuffix(name, ".gz") {
		place, err := readDeadLetterName(name)
		object.Letters = []DeadLetterPlace{place}
		return object, err
	}
	content, err := read()
	if err != nil {
		return object, fmt.Errorf("read the dead letters %s: %w", name, err)
	}
	letters, err := eventhub.DecodeDeadLetters(name, content)
	for _, letter := range letters {
		object.Letters = append(object.Letters, DeadLetterPlace{letter.Partition, letter.Sequence, letter.Record})
	}
	return object, err
}

// StateInBlobs is the state that is stored in a blob container.
type StateInBlobs struct{ Blobs }

// list calls each for the blobs of a folder. It calls it for none if the container does not exist.
func (b StateInBlobs) list(ctx context.Context, folder string, each func(name string, metadata map[string]string)) error {
	for marker := (azblob.Marker{}); marker.NotDone(); {
		page, err := b.URL.ListBlobsFlatSegment(ctx, marker, azblob.ListBlobsSegmentOptions{
			Prefix: folder, Details: azblob.BlobListingDetails{Metadata: true},
		})
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list %s: %w", folder, err)
		}
		for _, item := range page.Segment.BlobItems {
			each(strings.TrimPrefix(item.Name, folder), item.Metadata)
		}
		marker = page.NextMarker
	}
	return nil
}

// Checkpoints implements StoredState.
func (b StateInBlobs) Checkpoints(ctx context.Context) (map[string]int64, error) {
	found := map[string]int64{}
	var wrong error
	err := b.list(ctx, CheckpointPath, func(partition string, metadata map[string]string) {
		sequence, err := strconv.ParseInt(metadata["sequencenumber"], 10, 64)
		wrong = errors.Join(wrong, err)
		found[partition] = sequence
	})
	return found, errors.Join(err, wrong)
}

// Owners returns the reader that owns each partition, or "" for a released partition.
func (b StateInBlobs) Owners(ctx context.Context) (map[string]string, error) {
	found := map[string]string{}
	err := b.list(ctx, OwnershipPath, func(partition string, metadata map[string]string) {
		found[partition] = metadata["ownerid"]
	})
	return found, err
}

// DeadLetters implements StoredState.
func (b StateInBlobs) DeadLetters(ctx context.Context) ([]StoredDeadLetters, error) {
	var names []string
	if err := b.list(ctx, DeadLetterPath, func(name string, _ map[string]string) { names = append(names, name) }); err != nil {
		return nil, err
	}
	var found []StoredDeadLetters
	for _, name := range names {
		object, err := placesOf(name, func() ([]byte, error) { return b.read(ctx, DeadLetterPath+name) })
		if err != nil {
			return nil, err
		}
		found = append(found, object)
	}
	return found, nil
}

// read returns the content of a blob.
func (b StateInBlobs) read(ctx context.Context, name string) ([]byte, error) {
	response, err := b.URL.NewBlobURL(name).Download(ctx, 0, azblob.CountToEnd, azblob.BlobAccessConditions{}, false, azblob.ClientProvidedKeyOptions{})
	if err != nil {
		return nil, err
	}
	body := response.Body(azblob.RetryReaderOptions{})
	defer func() { _ = body.Close() }()
	return io.ReadAll(body)
}

// RemoveDeadLetters implements StoredState.
func (b StateInBlobs) RemoveDeadLetters(ctx context.Context, object string) error {
	_, err := b.URL.NewBlobURL(DeadLetterPath+object).Delete(ctx, azblob.DeleteSnapshotsOptionNone, azblob.BlobAccessConditions{})
	if isNotFound(err) {
		return nil
	}
	return err
}

// StateInFolder is the state that is stored under CHECKPOINTDIR.
type StateInFolder string

// path returns the path of a folder of the state.
func (f StateInFolder) path(folder string) string {
	return filepath.Join(string(f), filepath.FromSlash(folder))
}

// Checkpoints implements StoredState.
func (f StateInFolder) Checkpoints(context.Context) (map[string]int64, error) {
	files, err := os.ReadDir(f.path(CheckpointPath))
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]int64{}, nil
	}
	if err != nil {
		return nil, err
	}
	found := map[string]int64{}
	for _, file := range files {
		if strings.HasSuffix(file.Name(), ".tmp") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(f.path(CheckpointPath), file.Name()))
		if err != nil {
			return nil, err
		}
		var checkpoint struct {
			Sequence int64 `json:"sequencenumber"`
		}
		if err := json.Unmarshal(content, &checkpoint); err != nil {
			return nil, fmt.Errorf("read the checkpoint of partition %s: %w", file.Name(), err)
		}
		found[file.Name()] = checkpoint.Sequence
	}
	return found, nil
}

// AwaitCaughtUp waits until the checkpoint of each partition is at its last hub event. It may take any time while the
// checkpoints move.
func (f StateInFolder) AwaitCaughtUp(t *testing.T, hub *hubtest.Server) {
	t.Helper()
	left := func() int {
		checkpoints, err := f.Checkpoints(t.Context())
		require.NoError(t, err)
		n := 0
		for _, partition := range hub.PartitionIDs() {
			if at, found := checkpoints[partition]; found {
				n += int(hub.Partition(partition).LastSequence - at)
			} else {
				n += int(hub.Partition(partition).LastSequence) + 1
			}
		}
		return n
	}
	WaitWithProgress(t, 0, left, "hub events are left that no checkpoint has passed")
}

// DeadLetters implements StoredState.
func (f StateInFolder) DeadLetters(context.Context) ([]StoredDeadLetters, error) {
	paths, err := filepath.Glob(filepath.Join(f.path(DeadLetterPath), "*", "*"))
	if err != nil {
		return nil, err
	}
	var found []StoredDeadLetters
	for _, path := range paths {
		if strings.HasSuffix(path, ".tmp") {
			continue
		}
		name := filepath.ToSlash(filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path)))
		object, err := placesOf(name, func() ([]byte, error) { return os.ReadFile(path) })
		if err != nil {
			return nil, err
		}
		found = append(found, object)
	}
	return found, nil
}

// RemoveDeadLetters implements StoredState.
func (f StateInFolder) RemoveDeadLetters(_ context.Context, object string) error {
	return os.Remove(filepath.Join(f.path(DeadLetterPath), filepath.FromSlash(object)))
}

// readDeadLetterName parses the name of an object with a single dead letter.
func readDeadLetterName(name string) (place DeadLetterPlace, err error) {
	partition, rest, _ := strings.Cut(name, "/")
	place.Partition = partition
	if _, err = fmt.Sscanf(rest, "%d-%d", &place.Sequence, &place.Record); err != nil {
		return DeadLetterPlace{}, fmt.Errorf("%q is not the name of a dead letter: %w", name, err)
	}
	return place, nil
}
