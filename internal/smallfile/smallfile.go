// Package smallfile reads and replaces small files that an operator names.
package smallfile

import (
	"fmt"
	"io"
	"os"
)

// Read returns the content of a file of at most limit bytes. It reads no more than that: the name may be that of a
// device, or of a file that somebody else writes. An error names no content; that of a file that is too large does not
// name the file either.
func Read(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path) // #nosec G304 -- the operator names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("it has more than %d bytes", limit)
	}
	return content, nil
}
