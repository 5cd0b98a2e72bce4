package smallfile

import (
	"errors"
	"os"
	"path/filepath"
)

// Replace writes a file so that after a crash or a power cut it has either the whole old content or the whole new
// content. It writes another file beside it before, whose name ends in temporary.
func Replace(path, temporary string, content []byte) error {
	if err := WriteSynced(path+temporary, content); err != nil {
		return err
	}
	if err := os.Rename(path+temporary, path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// WriteSynced writes a file and waits until the disk has it.
func WriteSynced(path string, content []byte) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) // #nosec G304 -- the operator names it, or its folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return file.Sync()
}

// SyncFolder waits until the disk has the renames and removals in the folder.
func SyncFolder(folder string) (err error) {
	dir, err := os.Open(folder) // #nosec G304 -- the operator names it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	return dir.Sync()
}
