package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/storage"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder"
)

// listedDeadLetter is a dead letter in a list: its place in the hub and the identity of its audit event, without its
// content.
type listedDeadLetter struct {
	Name      string    `json:"name"`
	Reason    string    `json:"reason"`
	Detail    string    `json:"detail,omitempty"`
	Partition string    `json:"partition"`
	Sequence  int64     `json:"sequence_number"`
	Record    int       `json:"record"`
	Enqueued  time.Time `json:"enqueued_time"`
	Category  string    `json:"category,omitempty"`
	// Bytes is the size of the content.
	Bytes int `json:"bytes"`
	unpack.EventIdentity
}

// errUnreadable says that an object among the dead letters cannot be read as dead letters.
var errUnreadable = errors.New("not all of them can be read")

// The forms of a list of dead letters.
const (
	ListAsTable = "table"
	ListAsWide  = "wide" // the table with more columns
	ListAsJSON  = "json" // an object on each line
)

// ListOptions choose which dead letters are listed, and how. Objects that cannot be read are always listed.
type ListOptions struct {
	// Reason selects the dead letters with this reason, or all if it is empty.
	Reason string
	// Since selects the dead letters whose hub event was enqueued at this time or later, or at an unknown time.
	Since time.Time
	// Output is one of the forms above.
	Output string
}

// selects reports whether a dead letter is listed.
func (o ListOptions) selects(letter eventhub.DeadLetter) bool {
	return (o.Reason == "" || letter.Reason == o.Reason) && (letter.Enqueued.IsZero() || !letter.Enqueued.Before(o.Since))
}

// ListDeadLetters prints the dead letters of the consumer group, one on each line. It holds only one stored object in
// memory at a time.
func ListDeadLetters(ctx context.Context, cfg forwarder.Config, options ListOptions, out io.Writer) error {
	records, err := storage.OpenRecords(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = records.Close() }()
	return listAll(ctx, records, options, out)
}

// listAll prints the dead letters that options select.
func listAll(ctx context.Context, records eventhub.DeadLetterRecords, options ListOptions, out io.Writer) error {
	write := writeListedJSON
	if options.Output != ListAsJSON {
		wide := options.Output == ListAsWide
		write = func(out io.Writer, letter listedDeadLetter) error { return writeListed(out, letter, wide) }
		if err := writeColumns(out, wide, "NAME", "REASON", "ENQUEUED", "AUDIT ID", "VERB", "USER", "RESOURCE", "CATEGORY", "BYTES", "DETAIL"); err != nil {
			return err
		}
	}
	complete := true
	err := eachObject(ctx, records, func(object deadLetterObject) error {
		if object.unreadable != nil {
			complete = false
			return write(out, listedDeadLetter{Name: object.name, Reason: "unreadable letter", Detail: object.unreadable.Error()})
		}
		for i, letter := range object.letters {
			if !options.selects(letter) {
				continue
			}
			if err := write(out, listed(object.letterName(i), letter)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && !complete {
		err = errUnreadable
	}
	return err
}

// listed returns a dead letter for a list.
func listed(name string, letter eventhub.DeadLetter) listedDeadLetter {
	return listedDeadLetter{
		Name: name, Reason: letter.Reason, Detail: letter.Detail, Partition: letter.Partition, Sequence: letter.Sequence, Record: letter.Record,
		Enqueued: letter.Enqueued, Category: letter.Category, Bytes: len(letter.Content), EventIdentity: unpack.Identify(letter.Content),
	}
}

// deadLetterObject is a stored object. It has one dead letter or several.
type deadLetterObject struct {
	name    string
	version string
	letters []eventhub.DeadLetter
	// unreadable is why the object cannot be read as dead letters, or nil if it can.
	unreadable error
}

// letterName returns the name of a dead letter: the object's name, followed by the number of the line if the object
// has several.
func (o deadLetterObject) letterName(index int) string {
	if len(o.letters) == 1 {
		return o.name
	}
	return fmt.Sprintf("%s:%d", o.name, index+1)
}

// eachObject calls visit for each object with dead letters, in the order of the hub, until visit fails. It skips an
// object that was deleted after it was listed.
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
func writeListed(out io.Writer, letter listedDeadLetter, wide bool) error {
	return writeColumns(out, wide, letter.Name, letter.Reason, timeOrDash(letter.Enqueued), letter.AuditID, letter.Verb, letter.User, letter.Resource,
		letter.Category, strconv.Itoa(letter.Bytes), letter.Detail)
}

// timeOrDash returns a time in RFC 3339, or a dash if it is not known.
func timeOrDash(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format(time.RFC3339)
}

// columnWidths are the widths of usual values. Lines are written at once, before longer values are known. The last
// column has no width.
var columnWidths = []int{20, 18, 20, 36, 7, 24, 40, 16, 8}

// shortColumns is how many columns a table has that is not wide.
const shortColumns = 7

// writeColumns writes a line of the table, with fewer columns if it is not wide.
func writeColumns(out io.Writer, wide bool, cells ...string) error {
	if !wide {
		cells = cells[:shortColumns]
	}
	var line strings.Builder
	for i, cell := range cells {
		cell = orDash(onOneLine(cell))
		if i < len(cells)-1 {
			cell = fmt.Sprintf("%-*s  ", columnWidths[i], cell)
		}
		line.WriteString(cell)
	}
	if _, err := fmt.Fprintln(out, line.String()); err != nil {
		return fmt.Errorf("write the dead letters: %w", err)
	}
	return nil
}

// writeListedJSON writes a dead letter as a JSON object on one line.
func writeListedJSON(out io.Writer, letter listedDeadLetter) error { return writeJSON(out, letter, "") }

// writeJSON writes an object as JSON, over several lines if indent is not empty.
func writeJSON(out io.Writer, object any, indent string) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(object); err != nil {
		return fmt.Errorf("write the dead letters: %w", err)
	}
	return nil
}
