package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/internal/smallfile"
)

// StoreDeadLetters implements eventhub.DeadLetterStore.
func (s *Store) StoreDeadLetters(_ context.Context, letters []eventhub.DeadLetter) error {
	name, encoded, err := eventhub.EncodeDeadLetters(letters)
	if err != nil {
		return err
	}
	path := s.deadLetterFile(name)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := writeDurably(filepath.Dir(path), filepath.Base(path), encoded); err != nil {
		return fmt.Errorf("store dead letter %s: %w", name, err)
	}
	return nil
}

// ListDeadLetters implements eventhub.DeadLetterRecords.
func (s *Store) ListDeadLetters(context.Context) ([]string, error) {
	root := s.path(eventhub.DeadLetterFolder)
	var names []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case path == root && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entry.IsDir() || !eventhub.IsDeadLetterName(path):
			return nil
		}
		name, err := filepath.Rel(root, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	eventhub.SortDeadLetters(names)
	return names, nil
}

// ReadDeadLetters implements eventhub.DeadLetterRecords. The version is empty.
func (s *Store) ReadDeadLetters(_ context.Context, name string) (letters []eventhub.DeadLetter, version string, err error) {
	content, err := os.ReadFile(s.deadLetterFile(name)) // #nosec G304 -- a name that was listed
	if errors.Is(err, fs.ErrNotExist) {
		err = eventhub.ErrNotFound
	}
	if err != nil {
		return nil, "", fmt.Errorf("read dead letter %s: %w", name, err)
	}
	letters, err = eventhub.DecodeDeadLetters(name, content)
	return letters, "", err
}

// DeleteDeadLetters implements eventhub.DeadLetterRecords. It does not notice if the file was stored anew.
func (s *Store) DeleteDeadLetters(_ context.Context, name, _ string) error {
	path := s.deadLetterFile(name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete dead letter %s: %w", name, err)
	}
	if err := smallfile.SyncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("delete dead letter %s: %w", name, err)
	}
	return nil
}

// deadLetterFile returns the path of the dead letter with a name as listed.
func (s *Store) deadLetterFile(name string) string {
	return filepath.Join(s.path(eventhub.DeadLetterFolder), filepath.FromSlash(name))
}
