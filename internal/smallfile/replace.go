package smallfile

import (
	"errors"
	"os"
	"path/filepath"
)

// Replace replaces the content of a file. After a crash or a power cut, the file has either the whole old content or
// the whole new one. Replace first writes another file beside it, whose name ends in temporary.
func Replace(path, temporary string, content []byte) error {
	if err := WriteSynced(path+temporary, content); err != nil {
		return err
	}
	if err := os.Rename(path+temporary, path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// WriteSynced writes a file, and waits until it is on the disk.
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

// SyncFolder waits until the renames and removals in a folder are on the disk.
func SyncFolder(folder string) (err error) {
	dir, err := os.Open(folder) // #nosec G304 -- the operator names it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	return dir.Sync()
}
