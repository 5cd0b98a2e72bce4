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

// listedLetter is a dead letter as it is printed: where it stood and which audit event it is, but
// nothing of its content.
type listedLetter struct {
	Name     string    `json:"name"`
	Reason   string    `json:"reason"`
	Detail   string    `json:"detail,omitempty"`
	Part     string    `json:"partition"`
	Sequence int64     `json:"sequenceNumber"`
	Record   int       `json:"record"`
	Enqueued time.Time `json:"enqueuedTime"`
	Category string    `json:"category,omitempty"`
	// Bytes is the size of the content.
	Bytes int `json:"bytes"`
	unpack.EventIdentity
}

// errUnreadableLetters says that something among the dead letters is none.
var errUnreadableLetters = errors.New("not all of them can be read")

// ListDeadLetters prints the dead letters of the consumer group, one a line: for people, or as a
// JSON object each. It holds one of them in memory at a time.
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
	unreadable := false
	err = eachDeadLetter(ctx, records, func(name string, letter eventhub.DeadLetter, problem error) error {
		if problem != nil {
			unreadable = true
			letter.Reason, letter.Detail = "unreadable letter", problem.Error()
		}
		return write(out, listedLetter{
			Name: name, Reason: letter.Reason, Detail: letter.Detail, Part: letter.Partition, Sequence: letter.Sequence, Record: letter.Record,
			Enqueued: letter.Enqueued, Category: letter.Category, Bytes: len(letter.Content), EventIdentity: unpack.Identify(letter.Content),
		})
	})
	if err == nil && unreadable {
		err = errUnreadableLetters
	}
	return err
}

// eachDeadLetter calls visit for every dead letter, in the order in which they stood in the hub, until
// it fails. problem is set for what is no dead letter. One that is deleted meanwhile is left out.
func eachDeadLetter(ctx context.Context, records eventhub.DeadLetterRecords, visit func(name string, letter eventhub.DeadLetter, problem error) error) error {
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

func writeListed(out io.Writer, letter listedLetter) error {
	enqueued := "-"
	if !letter.Enqueued.IsZero() {
		enqueued = letter.Enqueued.UTC().Format(time.RFC3339)
	}
	return writeColumns(out, letter.Name, letter.Reason, enqueued, orDash(letter.AuditID), orDash(letter.Verb), orDash(letter.User), orDash(letter.Resource))
}

// writeColumns writes a line as soon as it is known, so the widths are what usual values need.
func writeColumns(out io.Writer, name, reason, enqueued, auditID, verb, user, resource string) error {
	if _, err := fmt.Fprintf(out, "%-20s  %-18s  %-20s  %-36s  %-7s  %-24s  %s\n", name, reason, enqueued, auditID, verb, user, resource); err != nil {
		return fmt.Errorf("write the dead letters: %w", err)
	}
	return nil
}

func writeListedJSON(out io.Writer, letter listedLetter) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(letter); err != nil {
		return fmt.Errorf("write the dead letters: %w", err)
	}
	return nil
}
