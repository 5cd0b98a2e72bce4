package httpclient

import (
	"sync"
)

// kept is what some files hold. It is read anew each time that it is asked for, since a mounted
// Secret changes while the process runs. What cannot be read, or not used, as while it is being
// written, leaves in use what was there before. It is safe for concurrent use.
type reloadedFile[T any] struct {
	read func() (T, error)
	warn func(error)

	mu          sync.Mutex
	value       T
	lastWarning string // what was warned of last, while it lasts
}

// keep reads the files for the first time, when there is nothing before to go on with. warn is told
// of each trouble later, once.
func loadFile[T any](read func() (T, error), warn func(error)) (*reloadedFile[T], error) {
	value, err := read()
	if err != nil {
		return nil, err
	}
	return &reloadedFile[T]{read: read, warn: warn, value: value}, nil
}

func (k *reloadedFile[T]) current() T {
	k.mu.Lock()
	defer k.mu.Unlock()
	value, err := k.read()
	if err == nil {
		k.value, k.lastWarning = value, ""
		return k.value
	}
	if k.lastWarning != err.Error() {
		k.lastWarning = err.Error()
		k.warn(err)
	}
	return k.value
}
