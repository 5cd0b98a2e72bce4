// Package smallfile reads and replaces small files that an operator names.
package smallfile

import (
	"fmt"
	"io"
	"os"
)

// Read returns the content of a file of at most limit bytes. It reads no more than limit, because the name may be of a
// device, or of a file that another program writes. No error has any of the content. The error for a file that is too
// large does not name the file.
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
