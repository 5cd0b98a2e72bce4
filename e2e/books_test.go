package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/internal/hubtest"
)

// books are what a daemon keeps outside its process, as they stand: checkpoints and dead letters.
type books interface {
	// checkpoints are the sequence numbers, by partition.
	checkpoints(ctx context.Context) (map[string]int64, error)
	// letters are the names of the dead letters, as deadLetterName makes them but for the folder.
	letters(ctx context.Context) ([]string, error)
	// remove deletes a dead letter.
	remove(ctx context.Context, letter string) error
}

// blobBooks are those in a container.
type blobBooks struct{ container }

// list walks the blobs of a folder. A container that is missing has none.
func (b blobBooks) list(ctx context.Context, folder string, each func(name string, metadata map[string]string)) error {
	for marker := (azblob.Marker{}); marker.NotDone(); {
		page, err := b.url.ListBlobsFlatSegment(ctx, marker, azblob.ListBlobsSegmentOptions{
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

func (b blobBooks) checkpoints(ctx context.Context) (map[string]int64, error) {
	found := map[string]int64{}
	var wrong error
	err := b.list(ctx, checkpointPath, func(partition string, metadata map[string]string) {
		sequence, err := strconv.ParseInt(metadata["sequencenumber"], 10, 64)
		wrong = errors.Join(wrong, err)
		found[partition] = sequence
	})
	return found, errors.Join(err, wrong)
}

// owners are the readers that own the partitions, "" where one was given up.
func (b blobBooks) owners(ctx context.Context) (map[string]string, error) {
	found := map[string]string{}
	err := b.list(ctx, ownershipPath, func(partition string, metadata map[string]string) {
		found[partition] = metadata["ownerid"]
	})
	return found, err
}

func (b blobBooks) letters(ctx context.Context) ([]string, error) {
	var names []string
	err := b.list(ctx, deadLetterPath, func(name string, _ map[string]string) { names = append(names, name) })
	return names, err
}

func (b blobBooks) remove(ctx context.Context, letter string) error {
	_, err := b.url.NewBlobURL(deadLetterPath+letter).Delete(ctx, azblob.DeleteSnapshotsOptionNone, azblob.BlobAccessConditions{})
	if isNotFound(err) {
		return nil
	}
	return err
}

// folderBooks are those under CHECKPOINTDIR.
type folderBooks string

func (f folderBooks) path(folder string) string {
	return filepath.Join(string(f), filepath.FromSlash(folder))
}

func (f folderBooks) checkpoints(context.Context) (map[string]int64, error) {
	files, err := os.ReadDir(f.path(checkpointPath))
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
		content, err := os.ReadFile(filepath.Join(f.path(checkpointPath), file.Name()))
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

func (f folderBooks) letters(context.Context) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(f.path(deadLetterPath), "*", "*.json"))
	names := make([]string, 0, len(found))
	for _, path := range found {
		names = append(names, filepath.ToSlash(filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path))))
	}
	return names, err
}

func (f folderBooks) remove(_ context.Context, letter string) error {
	return os.Remove(filepath.Join(f.path(deadLetterPath), filepath.FromSlash(letter)))
}

// readLetterName is the reverse of deadLetterName, but for the folder.
func readLetterName(name string) (partition string, sequence int64, record int, err error) {
	partition, rest, _ := strings.Cut(name, "/")
	_, err = fmt.Sscanf(rest, "%d-%d.json", &sequence, &record)
	if err != nil {
		return "", 0, 0, fmt.Errorf("%q is no dead letter's name: %w", name, err)
	}
	return partition, sequence, record, nil
}

// auditor compares what a daemon keeps with a ledger.
type auditor struct {
	books  books
	ledger *ledger
	hub    *hubtest.Server
	// moves is how often a checkpoint was found to have moved.
	moves int
}

// audit enters the dead letters and the checkpoints as they stand now. The checkpoints are read
// first: whatever they have passed must have its verdict by then.
func (a *auditor) audit(ctx context.Context) error {
	checkpoints, err := a.books.checkpoints(ctx)
	if err != nil {
		return err
	}
	letters, err := a.books.letters(ctx)
	if err != nil {
		return err
	}
	for _, name := range letters {
		partition, sequence, record, err := readLetterName(name)
		if err != nil {
			return err
		}
		a.ledger.keep(partition, sequence, record)
	}
	for partition, sequence := range checkpoints {
		if a.ledger.pass(partition, sequence) {
			a.moves++
		}
	}
	return nil
}

// margin is how many hub events behind the checkpoint stay in the hub.
const margin = 500

// tidy removes from the hub what the checkpoints have passed, as retention does, and the dead
// letters of it, as an operator does: a run of hours must not fill the memory.
func (a *auditor) tidy(ctx context.Context) error {
	checkpoints, err := a.books.checkpoints(ctx)
	if err != nil {
		return err
	}
	for partition, sequence := range checkpoints {
		a.hub.Truncate(partition, sequence-margin)
	}
	letters, err := a.books.letters(ctx)
	if err != nil {
		return err
	}
	for _, name := range letters {
		partition, sequence, _, err := readLetterName(name)
		if err != nil {
			return err
		}
		if sequence < checkpoints[partition]-margin {
			if err := a.books.remove(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}
