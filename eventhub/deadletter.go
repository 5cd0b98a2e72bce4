package eventhub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/maruel/natural"
)

// DeadLetterStore keeps the records that can never be delivered.
type DeadLetterStore interface {
	// StoreDeadLetters stores at least one dead letter of one partition, as one object. It writes nothing if the
	// object exists: after a crash the same dead letters are stored again.
	StoreDeadLetters(ctx context.Context, letters []DeadLetter) error
}

// DeadLetterRecords gives an operator access to the stored dead letters.
type DeadLetterRecords interface {
	// ListDeadLetters returns the names of all objects, in the order of their records in the hub.
	ListDeadLetters(ctx context.Context) ([]string, error)
	// ReadDeadLetters reads an object. It fails with ErrNotFound if there is none, and with ErrNotDeadLetter if the
	// content is something else. version is for DeleteDeadLetters; it is also set with ErrNotDeadLetter.
	ReadDeadLetters(ctx context.Context, name string) (letters []DeadLetter, version string, err error)
	// DeleteDeadLetters deletes an object. It fails with ErrConflict if the object has changed since it was read; in a
	// folder, it deletes it all the same.
	DeleteDeadLetters(ctx context.Context, name, version string) error
	// DeadLetterStore stores again what is kept of an object.
	DeadLetterStore
}

var (
	// ErrNotFound means that there is nothing to read, or nothing any more.
	ErrNotFound = errors.New("it is not there")
	// ErrNotDeadLetter means that the content does not have the form of a dead letter.
	ErrNotDeadLetter = errors.New("it is no dead letter")
)

// DeadLetter is a record that can never be delivered, with all that an operator needs to judge it.
type DeadLetter struct {
	// Partition, Sequence and Record are the place of the record in the hub.
	Partition string
	Sequence  int64
	Record    int
	// Enqueued is when the service accepted the hub event.
	Enqueued time.Time
	// Reason is one of the labels of aks_audit_log_dead_letters_total.
	Reason string
	// Detail says more, such as the answer of the sink.
	Detail string
	// Category is the log category of the record, "" if it names none.
	Category string
	// Content is the audit event, or the record or body that holds none.
	Content []byte
}

// deadLetterFile is the layout of a stored dead letter. Content that is valid UTF-8 is stored as text, so that
// ordinary tools can read and search it.
type deadLetterFile struct {
	Reason        string    `json:"reason"`
	Detail        string    `json:"detail,omitempty"`
	Partition     string    `json:"partition"`
	Sequence      int64     `json:"sequenceNumber"`
	Record        int       `json:"record"`
	Enqueued      time.Time `json:"enqueuedTime"`
	Category      string    `json:"category,omitempty"`
	Content       string    `json:"content,omitempty"`
	ContentBase64 []byte    `json:"contentBase64,omitempty"`
}

// Name returns the name below the dead letter folder of the scope. It has the time of enqueueing, in milliseconds
// since 1970, because sequence numbers begin again if an event hub is deleted and made anew.
func (d DeadLetter) Name() string {
	enqueued := ""
	if !d.Enqueued.IsZero() {
		enqueued = fmt.Sprintf("-%d", d.Enqueued.UnixMilli())
	}
	return fmt.Sprintf("%s/%d-%d%s", d.Partition, d.Sequence, d.Record, enqueued) + deadLetterSuffix
}

// deadLetterSuffix ends the name of an object with a single dead letter.
const deadLetterSuffix = ".json"

// IsDeadLetterName reports whether a name below the dead letter folder can be that of an object of dead letters. It is
// false for folders of storage accounts with a hierarchical namespace, for folder markers of other tools
// ("0_$folder$"), and for files that are being written.
func IsDeadLetterName(name string) bool {
	return strings.HasSuffix(name, deadLetterSuffix) || strings.HasSuffix(name, gatheredSuffix)
}

func (d DeadLetter) file() deadLetterFile {
	file := deadLetterFile{
		Reason: d.Reason, Detail: d.Detail,
		Partition: d.Partition, Sequence: d.Sequence, Record: d.Record,
		Enqueued: d.Enqueued, Category: d.Category,
	}
	if utf8.Valid(d.Content) {
		file.Content = string(d.Content)
	} else {
		file.ContentBase64 = d.Content
	}
	return file
}

// letter returns the dead letter in a file. It fails with ErrNotDeadLetter if there is none.
func (f deadLetterFile) letter() (DeadLetter, error) {
	if f.Reason == "" || f.Partition == "" {
		return DeadLetter{}, fmt.Errorf("%w: it names no reason or no partition", ErrNotDeadLetter)
	}
	letter := DeadLetter{
		Reason: f.Reason, Detail: f.Detail,
		Partition: f.Partition, Sequence: f.Sequence, Record: f.Record,
		Enqueued: f.Enqueued, Category: f.Category, Content: []byte(f.Content),
	}
	if len(f.ContentBase64) > 0 {
		letter.Content = f.ContentBase64
	}
	return letter, nil
}

// EncodeDeadLetters returns the object for dead letters of one partition: JSON for a single one, JSON lines in gzip
// for several (see gatheredSuffix).
func EncodeDeadLetters(letters []DeadLetter) (name string, content []byte, err error) {
	if len(letters) > 1 {
		return encodeGathered(letters)
	}
	encoded, err := json.MarshalIndent(letters[0].file(), "", "  ")
	if err != nil {
		return "", nil, fmt.Errorf("encode dead letter %s: %w", letters[0].Name(), err)
	}
	return letters[0].Name(), append(encoded, '\n'), nil
}

// DecodeDeadLetters decodes the object of that name. It fails with ErrNotDeadLetter if it holds no dead letters.
func DecodeDeadLetters(name string, stored []byte) ([]DeadLetter, error) {
	if strings.HasSuffix(name, gatheredSuffix) {
		letters, err := decodeGathered(stored)
		if err != nil {
			return nil, fmt.Errorf("read dead letters %s: %w", name, err)
		}
		return letters, nil
	}
	var file deadLetterFile
	if err := json.Unmarshal(stored, &file); err != nil {
		return nil, fmt.Errorf("read dead letter %s: %w: it is not JSON as it was stored", name, ErrNotDeadLetter)
	}
	letter, err := file.letter()
	if err != nil {
		return nil, fmt.Errorf("read dead letter %s: %w", name, err)
	}
	return []DeadLetter{letter}, nil
}

// SortDeadLetters sorts names by the place of their records in the hub. Listings sort as text, 10 before 9.
func SortDeadLetters(names []string) {
	slices.SortFunc(names, natural.Compare)
}
