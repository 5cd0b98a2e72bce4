package eventhub

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// gatheredSuffix ends the name of an object with several dead letters: JSON lines in gzip. Each line has the fields of
// a single dead letter.
const gatheredSuffix = ".jsonl.gz"

// maxGathered bounds the unpacked size of such an object, in bytes. A byte of content takes up to 6 in JSON.
const maxGathered = 256 << 20

// encodeGathered returns the object for several dead letters, in the order of their records in the hub. Its name is
// that of the first one, with a checksum of the content. So the same dead letters get the same name after a crash, and
// others that begin with the same one do not.
func encodeGathered(letters []DeadLetter) (name string, content []byte, err error) {
	letters = slices.Clone(letters)
	slices.SortStableFunc(letters, func(a, b DeadLetter) int {
		return cmp.Or(a.Enqueued.Compare(b.Enqueued), cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.Record, b.Record))
	})
	var packed bytes.Buffer
	sum := sha256.New()
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return "", nil, fmt.Errorf("encode dead letters: %w", err)
	}
	lines := json.NewEncoder(io.MultiWriter(zip, sum))
	lines.SetEscapeHTML(false)
	for _, letter := range letters {
		if err := lines.Encode(letter.file()); err != nil {
			return "", nil, fmt.Errorf("encode dead letter %s: %w", letter.Name(), err)
		}
	}
	if err := zip.Close(); err != nil {
		return "", nil, fmt.Errorf("encode dead letters: %w", err)
	}
	first := strings.TrimSuffix(letters[0].Name(), deadLetterSuffix)
	return first + "-" + hex.EncodeToString(sum.Sum(nil)[:4]) + gatheredSuffix, packed.Bytes(), nil
}

func decodeGathered(stored []byte) ([]DeadLetter, error) {
	zip, err := gzip.NewReader(bytes.NewReader(stored))
	if err != nil {
		return nil, fmt.Errorf("%w: it is not gzip as it was stored", ErrNotDeadLetter)
	}
	var letters []DeadLetter
	for lines := json.NewDecoder(io.LimitReader(zip, maxGathered)); ; {
		var file deadLetterFile
		if err := lines.Decode(&file); errors.Is(err, io.EOF) && len(letters) > 0 {
			return letters, nil
		} else if err != nil {
			return nil, fmt.Errorf("%w: it does not hold JSON lines as they were stored", ErrNotDeadLetter)
		}
		letter, err := file.letter()
		if err != nil {
			return nil, err
		}
		letters = append(letters, letter)
	}
}
