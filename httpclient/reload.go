package httpclient

import (
	"sync"

	"aks-audit-log-go/internal/loglimit"
)

// reloadedFile is the value of one or more files, which are read again at each use because a mounted Secret changes
// while the process runs. Invalid files are ignored, for example while they are being written. Certificate and key are
// two files; if one is read before and one after a rotation, they do not match, and the previous pair stays in use.
// reloadedFile is safe for concurrent use.
type reloadedFile[T any] struct {
	read func() (T, error)
	warn func(error)

	// warnings passes each error text once until the files are valid again.
	warnings loglimit.Limiter

	mu    sync.Mutex
	value T
	// begun counts the reads. newest is the number of the read that value is from.
	begun, newest int64
}

// loadFile reads the files for the first time, and returns an error if they are invalid. Later errors go to warn.
func loadFile[T any](read func() (T, error), warn func(error)) (*reloadedFile[T], error) {
	value, err := read()
	if err != nil {
		return nil, err
	}
	return &reloadedFile[T]{read: read, warn: warn, value: value}, nil
}

// current reads the files and returns their value, or the previous value if that fails. It does not hold the lock
// while it reads, so that a hanging file system does not block other callers.
func (f *reloadedFile[T]) current() T {
	number := f.begin()
	value, err := f.read()
	switch {
	case err == nil:
		f.warnings.Reset()
	case f.warnings.Next(err.Error()).Log:
		f.warn(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil && number > f.newest {
		f.value, f.newest = value, number
	}
	return f.value
}

// begin returns the number of a new read.
func (f *reloadedFile[T]) begin() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun++
	return f.begun
}
