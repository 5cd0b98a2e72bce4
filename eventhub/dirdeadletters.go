package eventhub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func (d *dirStore) StoreDeadLetter(_ context.Context, letter DeadLetter) error {
	encoded, err := letter.encode()
	if err != nil {
		return err
	}
	path := d.deadLetterFile(letter.name())
	if err := writeDurably(filepath.Dir(path), filepath.Base(path), encoded); err != nil {
		return fmt.Errorf("store dead letter %s: %w", letter.name(), err)
	}
	return nil
}

func (d *dirStore) ListDeadLetters(context.Context) ([]string, error) {
	root := d.path(deadLetterFolder)
	var names []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case path == root && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entry.IsDir() || filepath.Ext(path) == temporary:
			return nil
		}
		name, err := filepath.Rel(root, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	sortDeadLetters(names)
	return names, nil
}

func (d *dirStore) ReadDeadLetter(_ context.Context, name string) (DeadLetter, error) {
	content, err := os.ReadFile(d.deadLetterFile(name)) // #nosec G304 -- a name that was listed
	if errors.Is(err, fs.ErrNotExist) {
		err = errNotThere
	}
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter %s: %w", name, err)
	}
	return decodeDeadLetter(name, content)
}

func (d *dirStore) DeleteDeadLetter(_ context.Context, name string, _ DeadLetter) error {
	path := d.deadLetterFile(name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete dead letter %s: %w", name, err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("delete dead letter %s: %w", name, err)
	}
	return nil
}

// deadLetterFile is where a dead letter of that name, as it was listed, stands.
func (d *dirStore) deadLetterFile(name string) string {
	return filepath.Join(d.path(deadLetterFolder), filepath.FromSlash(name))
}
