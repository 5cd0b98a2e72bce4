package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/storage"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder"
)

// listedDeadLetter is a dead letter as it is printed: its place in the hub and the identity of its audit event,
// without its content.
type listedDeadLetter struct {
	Name      string    `json:"name"`
	Reason    string    `json:"reason"`
	Detail    string    `json:"detail,omitempty"`
	Partition string    `json:"partition"`
	Sequence  int64     `json:"sequenceNumber"`
	Record    int       `json:"record"`
	Enqueued  time.Time `json:"enqueuedTime"`
	Category  string    `json:"category,omitempty"`
	// Bytes is the size of the content.
	Bytes int `json:"bytes"`
	unpack.EventIdentity
}

// errUnreadable says that something among the dead letters is not a dead letter.
var errUnreadable = errors.New("not all of them can be read")

// ListDeadLetters prints the dead letters of the consumer group, one per line: as a table, or as JSON objects. It
// holds one of them in memory at a time.
func ListDeadLetters(ctx context.Context, cfg forwarder.Config, asJSON bool, out io.Writer) error {
	records, err := storage.OpenRecords(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = records.Close() }()
	write := writeListedJSON
	if !asJSON {
		write = writeListed
		if err = writeColumns(out, "NAME", "REASON", "ENQUEUED", "AUDIT ID", "VERB", "USER", "RESOURCE"); err != nil {
			return err
		}
	}
	complete := true
	err = eachDeadLetter(ctx, records, func(name string, letter eventhub.DeadLetter, unreadable error) error {
		if unreadable != nil {
			complete = false
			letter.Reason, letter.Detail = "unreadable letter", unreadable.Error()
		}
		return write(out, listedDeadLetter{
			Name: name, Reason: letter.Reason, Detail: letter.Detail, Partition: letter.Partition, Sequence: letter.Sequence, Record: letter.Record,
			Enqueued: letter.Enqueued, Category: letter.Category, Bytes: len(letter.Content), EventIdentity: unpack.Identify(letter.Content),
		})
	})
	if err == nil && !complete {
		err = errUnreadable
	}
	return err
}

// visitor is called for each dead letter. unreadable says why what has this name is not a dead letter.
type visitor func(name string, letter eventhub.DeadLetter, unreadable error) error

// eachDeadLetter calls visit for every dead letter, in the order of the hub, until visit fails. It leaves out a dead
// letter that is deleted meanwhile.
func eachDeadLetter(ctx context.Context, records eventhub.DeadLetterRecords, visit visitor) error {
	names, err := records.ListDeadLetters(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		letter, err := records.ReadDeadLetter(ctx, name)
		switch {
		case errors.Is(err, eventhub.ErrNotFound):
			continue
		case errors.Is(err, eventhub.ErrNotDeadLetter):
			err = visit(name, eventhub.DeadLetter{}, err)
		case err == nil:
			err = visit(name, letter, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeListed writes a line of the table.
func writeListed(out io.Writer, letter listedDeadLetter) error {
	enqueued := "-"
	if !letter.Enqueued.IsZero() {
		enqueued = letter.Enqueued.UTC().Format(time.RFC3339)
	}
	return writeColumns(out, letter.Name, letter.Reason, enqueued, orDash(letter.AuditID), orDash(letter.Verb), orDash(letter.User), orDash(letter.Resource))
}

// writeColumns writes a line at once, so the widths are chosen for usual values.
func writeColumns(out io.Writer, name, reason, enqueued, auditID, verb, user, resource string) error {
	if _, err := fmt.Fprintf(out, "%-20s  %-18s  %-20s  %-36s  %-7s  %-24s  %s\n", name, reason, enqueued, auditID, verb, user, resource); err != nil {
		return fmt.Errorf("write the dead letters: %w", err)
	}
	return nil
}

// writeListedJSON writes a JSON object on a line.
func writeListedJSON(out io.Writer, letter listedDeadLetter) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(letter); err != nil {
		return fmt.Errorf("write the dead letters: %w", err)
	}
	return nil
}
