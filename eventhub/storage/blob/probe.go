package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-storage-blob-go/azblob"

	"aks-audit-log-go/eventhub"
)

const (
	// probeFolder holds the probe blobs, below the scope. No other program reads it: KEDA, the daemon and Azure's
	// SDKs read the folders beside it, and the retired SDK reads the container's root.
	probeFolder = "check/"
	// probeContent is the content of a probe blob that is not empty.
	probeContent = "{\"probe\":\"aks-audit-log-go check\"}\n"
)

// errUnconditional says that a write succeeded although its condition was not met.
var errUnconditional = errors.New("the storage ignores conditions (If-Match), so two replicas could own one partition: " +
	"use a storage account of Azure's, without a cache before it")

// ProbeMetadata checks that ownerships and checkpoints can be listed and written. It writes a probe blob, changes it
// under a condition, tries to change it under a condition that is not met, and deletes it. leftOver names the probe
// blob if it could not be deleted. ProbeMetadata does not create the container. name has to be unique.
func (s *Store) ProbeMetadata(ctx context.Context, name string) (leftOver string, err error) {
	if _, _, err := s.container.listLevel(ctx, s.scope.Path()+eventhub.CheckpointFolder); err != nil {
		return "", fmt.Errorf("list the container %s: %w", s.container.name, err)
	}
	probe := s.scope.Path() + probeFolder + name
	if err := s.writeConditionally(ctx, probe); err != nil {
		// The deletion has time even if ctx is done.
		deletion, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventhub.CloseTimeout)
		defer cancel()
		_ = s.container.remove(deletion, probe, azblob.ETagAny)
		return "", err
	}
	if err := s.container.remove(ctx, probe, azblob.ETagAny); err != nil {
		return probe, nil // ProbeContent reports it: only dead letters need deletion
	}
	return "", nil
}

// writeConditionally writes a blob in the two ways in which checkpoints and ownerships are written. Then it writes in
// a third way, which the storage must refuse.
func (s *Store) writeConditionally(ctx context.Context, name string) error {
	metadata := func(text string) azblob.Metadata { return azblob.Metadata{metaOwner: text} }
	made, err := s.container.writeMetadata(ctx, name, metadata("made"), "")
	if err != nil {
		return fmt.Errorf("make the probe blob %s: %w", name, err)
	}
	if _, err = s.container.writeMetadata(ctx, name, metadata("changed"), made.etag); err != nil {
		return fmt.Errorf("change the probe blob %s: %w", name, err)
	}
	switch _, err = s.container.writeMetadata(ctx, name, metadata("late"), made.etag); {
	case err == nil:
		return errUnconditional
	case !errors.Is(err, eventhub.ErrConflict):
		return fmt.Errorf("change the probe blob %s too late: %w", name, err)
	}
	return nil
}

// ProbeContent checks, with a probe blob, that dead letters can be stored, read and deleted. name has to be unique.
func (s *Store) ProbeContent(ctx context.Context, name string) error {
	probe := s.scope.Path() + probeFolder + name
	if err := s.container.putNew(ctx, probe, strings.NewReader(probeContent)); err != nil {
		return fmt.Errorf("store the probe blob %s: %w", probe, err)
	}
	_, etag, readErr := s.container.get(ctx, probe, int64(len(probeContent)))
	if readErr != nil {
		etag, readErr = azblob.ETagAny, fmt.Errorf("read the probe blob %s: %w", probe, readErr)
	}
	if err := s.container.remove(ctx, probe, etag); err != nil {
		return errors.Join(readErr, fmt.Errorf("they can be stored, but not deleted, as `deadletters replay` has to; "+
			"the probe blob %s is still there: %w", probe, err))
	}
	return readErr
}

// probeContainer is the prefix of the names of the containers that Beside makes.
const probeContainer = "aks-audit-log-go-check-"

// Beside checks whether the missing container may be made. It makes a container of another name, calls probe with a
// store in it, and deletes it. It does not make the missing container itself: Azure takes half a minute or more to
// delete a container, and refuses to make it again until then. leftOver names the other container if it could not be
// deleted.
func (s *Store) Beside(ctx context.Context, probe func(*Store) error) (leftOver string, err error) {
	other := s.container.beside(probeContainer + strings.ToLower(rand.Text()))
	if _, err = other.url.Create(ctx, azblob.Metadata{}, azblob.PublicAccessNone); err != nil {
		return "", s.container.explainCreation(err)
	}
	err = probe(&Store{container: other, scope: s.scope})
	// The deletion has time even if ctx is done.
	deletion, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventhub.CloseTimeout)
	defer cancel()
	if _, deleteErr := other.url.Delete(deletion, azblob.ContainerAccessConditions{}); deleteErr != nil {
		leftOver = other.name
	}
	return leftOver, err
}
