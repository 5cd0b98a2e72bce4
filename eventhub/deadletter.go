package eventhub

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// DeadLetterStore keeps what can never be delivered.
type DeadLetterStore interface {
	// StoreDeadLetter keeps the letter for good. Storing the same letter again, as happens when
	// its hub event comes again after a crash, replaces it.
	StoreDeadLetter(ctx context.Context, letter DeadLetter) error
}

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
func (d DeadLetter) name() string {
	return fmt.Sprintf("%s/%d-%d.json", d.Partition, d.Sequence, d.Record)
}

// encode returns the letter as it is stored.
func (d DeadLetter) encode() ([]byte, error) {
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
		return nil, fmt.Errorf("encode dead letter %s: %w", d.name(), err)
	}
	return append(encoded, '\n'), nil
}
