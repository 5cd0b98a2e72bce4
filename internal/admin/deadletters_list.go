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
// holds one stored object in memory at a time.
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
	err = eachObject(ctx, records, func(object deadLetterObject) error {
		if object.unreadable != nil {
			complete = false
			return write(out, listedDeadLetter{Name: object.name, Reason: "unreadable letter", Detail: object.unreadable.Error()})
		}
		for i, letter := range object.letters {
			failure := write(out, listedDeadLetter{
				Name: object.letterName(i), Reason: letter.Reason, Detail: letter.Detail, Partition: letter.Partition, Sequence: letter.Sequence, Record: letter.Record,
				Enqueued: letter.Enqueued, Category: letter.Category, Bytes: len(letter.Content), EventIdentity: unpack.Identify(letter.Content),
			})
			if failure != nil {
				return failure
			}
		}
		return nil
	})
	if err == nil && !complete {
		err = errUnreadable
	}
	return err
}

// deadLetterObject is a stored object: a single dead letter, or several that were gathered.
type deadLetterObject struct {
	name    string
	version string
	letters []eventhub.DeadLetter
	// unreadable is why there are no dead letters under the name, nil if there are.
	unreadable error
}

// letterName returns the name of one of the dead letters: the object's, with the number of the line if it has several.
func (o deadLetterObject) letterName(index int) string {
	if len(o.letters) == 1 {
		return o.name
	}
	return fmt.Sprintf("%s:%d", o.name, index+1)
}

// eachObject calls visit for every object with dead letters, in the order of the hub, until visit fails. It leaves out
// an object that is deleted meanwhile.
func eachObject(ctx context.Context, records eventhub.DeadLetterRecords, visit func(deadLetterObject) error) error {
	names, err := records.ListDeadLetters(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		object := deadLetterObject{name: name}
		object.letters, object.version, err = records.ReadDeadLetters(ctx, name)
		switch {
		case errors.Is(err, eventhub.ErrNotFound):
			continue
		case errors.Is(err, eventhub.ErrNotDeadLetter):
			object.unreadable = err
		case err != nil:
			return err
		}
		if err = visit(object); err != nil {
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
