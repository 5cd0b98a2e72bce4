package httpclient

import (
	"sync"

	"aks-audit-log-go/internal/loglimit"
)

// reloadedFile is the value of one or more files, which are read again at each use: a mounted Secret changes while the
// process runs. If the files cannot be read or used, as while they are being written, the value from before stays in
// use. Certificate and key are two files: if one is read before and one after a rotation, they do not match, and the
// previous pair stays in use. reloadedFile is safe for concurrent use.
type reloadedFile[T any] struct {
	read func() (T, error)
	warn func(error)

	mu    sync.Mutex
	value T
	// warnings lets each error text pass once until the files can be used again.
	warnings loglimit.Limiter
}

// loadFile reads the files for the first time. An error then is an error of loadFile; later ones go to warn.
func loadFile[T any](read func() (T, error), warn func(error)) (*reloadedFile[T], error) {
	value, err := read()
	if err != nil {
		return nil, err
	}
	return &reloadedFile[T]{read: read, warn: warn, value: value}, nil
}

// current reads the files and returns their value, or the value from before if that fails.
func (f *reloadedFile[T]) current() T {
	f.mu.Lock()
	defer f.mu.Unlock()
	value, err := f.read()
	if err == nil {
		f.value = value
		f.warnings.Reset()
	} else if f.warnings.Next(err.Error()).Log {
		f.warn(err)
	}
	return f.value
}
