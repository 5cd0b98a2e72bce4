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
	// StoreDeadLetter stores the dead letter for good, unless there is one of its name: after a crash the hub event is
	// read again, and its dead letters are to be stored again.
	StoreDeadLetter(ctx context.Context, letter DeadLetter) error
}

// DeadLetterRecords gives an operator access to the dead letters of a store.
type DeadLetterRecords interface {
	// ListDeadLetters returns the names of all dead letters, in the order of their records in the hub.
	ListDeadLetters(ctx context.Context) ([]string, error)
	// ReadDeadLetter reads the dead letter of that name. It fails with ErrNotFound if there is none, and with
	// ErrNotDeadLetter if there is something else under that name.
	ReadDeadLetter(ctx context.Context, name string) (DeadLetter, error)
	// DeleteDeadLetter deletes a dead letter. It fails with ErrConflict if somebody else changed it since it was read.
	// (In a folder, it deletes it all the same.)
	DeleteDeadLetter(ctx context.Context, name string, letter DeadLetter) error
}

var (
	// ErrNotFound means that there is nothing to read, or nothing any more.
	ErrNotFound = errors.New("it is not there")
	// ErrNotDeadLetter means that what was read does not have the form of a dead letter.
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
	// Content is the audit event, or the record or body in which there was none.
	Content []byte
	// Version is what the store compares before it deletes.
	Version string
}

// deadLetterFile is the layout of a stored dead letter. The content is stored as text if it is valid UTF-8, so that
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

// Name returns the name of the dead letter below the dead letter folder of its scope. The time when its hub event was
// enqueued, in milliseconds since 1970, keeps apart those of an event hub that was deleted and made anew, whose sequence
// numbers begin again.
func (d DeadLetter) Name() string {
	enqueued := ""
	if !d.Enqueued.IsZero() {
		enqueued = fmt.Sprintf("-%d", d.Enqueued.UnixMilli())
	}
	return fmt.Sprintf("%s/%d-%d%s", d.Partition, d.Sequence, d.Record, enqueued) + deadLetterSuffix
}

// deadLetterSuffix ends the name of each dead letter.
const deadLetterSuffix = ".json"

// IsDeadLetterName reports whether a name below the dead letter folder can be that of a dead letter. Other names are
// passed over in a listing: folders of storage accounts with a hierarchical namespace, markers of folders that other
// tools leave ("0_$folder$"), files that are being written.
func IsDeadLetterName(name string) bool { return strings.HasSuffix(name, deadLetterSuffix) }

// Encode returns the dead letter as it is stored.
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

// DecodeDeadLetter decodes a stored dead letter. It fails with ErrNotDeadLetter if it is none.
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
