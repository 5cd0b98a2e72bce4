package eventhub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/maruel/natural"
)

// DeadLetterStore keeps what can never be delivered.
type DeadLetterStore interface {
	// StoreDeadLetter keeps the letter for good. Storing the same letter again, as happens when
	// its hub event comes again after a crash, replaces it.
	StoreDeadLetter(ctx context.Context, letter DeadLetter) error
}

// DeadLetterRecords is how an operator comes by what a DeadLetterStore keeps.
type DeadLetterRecords interface {
	// ListDeadLetters returns the names of all, in the order in which they stood in the hub.
	ListDeadLetters(ctx context.Context) ([]string, error)
	// ReadDeadLetter reads the one of that name. It fails with errNotThere where it is gone, and
	// with errNoDeadLetter where something else stands there.
	ReadDeadLetter(ctx context.Context, name string) (DeadLetter, error)
	// DeleteDeadLetter deletes it, unless it was stored anew since it was read: then it fails
	// with ErrLostRace. (In a folder, a new one is deleted too.)
	DeleteDeadLetter(ctx context.Context, name string, letter DeadLetter) error
}

var (
	// errNotThere says that what was to be read is not there, or not any more.
	ErrNotFound = errors.New("it is not there")
	// errNoDeadLetter says that what was read has not the form of a dead letter.
	ErrNotDeadLetter = errors.New("it is no dead letter")
)

// maxDeadLetterSize bounds what is read of one, in bytes. A body of 1 MB has up to 6 MB in a JSON
// string.
const MaxDeadLetterSize = 64 << 20

// DeadLetter is something that stood in the hub and can never be delivered, with what an
// operator needs in order to judge it.
type DeadLetter struct {
	// Partition, Sequence and Record say where it stood.
	Partition string
	Sequence  int64
	Record    int
	// Enqueued is when the service took its hub event in.
	Enqueued time.Time
	// Reason is one of the labels of aks_audit_log_dead_letters_total.
	Reason string
	// Detail says more, such as what the sink answered.
	Detail string
	// Category is the record's log category, "" where it named none.
	Category string
	// Content is the audit event, or the record or body in which none could be found.
	Content []byte
	// version is what the store compares before it deletes.
	Version string
}

// deadLetterFile is the layout of a stored dead letter. Content is text where it can be, so
// that it is read and searched with ordinary tools.
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

// name is where the letter stands under its scope's dead letter folder.
func (d DeadLetter) Name() string {
	return fmt.Sprintf("%s/%d-%d.json", d.Partition, d.Sequence, d.Record)
}

// encode returns the letter as it is stored.
func (d DeadLetter) Encode() ([]byte, error) {
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
	encoded, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode dead letter %s: %w", d.Name(), err)
	}
	return append(encoded, '\n'), nil
}

// decodeDeadLetter reads a letter as it is stored.
func DecodeDeadLetter(name string, stored []byte) (DeadLetter, error) {
	var file deadLetterFile
	if err := json.Unmarshal(stored, &file); err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter %s: %w: it is not JSON as it was stored", name, ErrNotDeadLetter)
	}
	if file.Reason == "" || file.Partition == "" {
		return DeadLetter{}, fmt.Errorf("read dead letter %s: %w: it names no reason or no partition", name, ErrNotDeadLetter)
	}
	letter := DeadLetter{
		Reason: file.Reason, Detail: file.Detail,
		Partition: file.Partition, Sequence: file.Sequence, Record: file.Record,
		Enqueued: file.Enqueued, Category: file.Category, Content: []byte(file.Content),
	}
	if len(file.ContentBase64) > 0 {
		letter.Content = file.ContentBase64
	}
	return letter, nil
}

// SortDeadLetters sorts names into the order in which their records stood in the hub. A listing has 10 before 9.
func SortDeadLetters(names []string) {
	slices.SortFunc(names, natural.Compare)
}
