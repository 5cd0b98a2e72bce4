package admin

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/storage"
	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/internal/printable"
)

// shownDeadLetter is a dead letter with its content. Content has it if it is valid UTF-8, and otherwise ContentBase64.
type shownDeadLetter struct {
	listedDeadLetter
	Content       string `json:"content,omitempty"`
	ContentBase64 []byte `json:"content_base64,omitempty"`
}

// ShowDeadLetter prints a dead letter: its reason, its place in the hub, and its content. name is as ListDeadLetters
// prints it. asJSON prints a JSON object.
func ShowDeadLetter(ctx context.Context, cfg forwarder.Config, name string, asJSON bool, out io.Writer) error {
	records, err := storage.OpenRecords(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = records.Close() }()
	return show(ctx, records, name, asJSON, out)
}

// show prints the dead letter with a name.
func show(ctx context.Context, records eventhub.DeadLetterRecords, name string, asJSON bool, out io.Writer) error {
	object, line := splitLetterName(name)
	if !fs.ValidPath(object) || !eventhub.IsDeadLetterName(object) {
		return fmt.Errorf("%w: %q is not the name of a dead letter; deadletters list prints the names", ErrMisused, name)
	}
	letters, _, err := records.ReadDeadLetters(ctx, object)
	if err != nil {
		return err
	}
	switch {
	case line == 0 && len(letters) > 1:
		return fmt.Errorf("%w: %s holds %d dead letters; name one of them: %s:1 to %s:%d", ErrMisused, object, len(letters), object, object, len(letters))
	case line > len(letters):
		return fmt.Errorf("%w: %s ends at line %d", ErrMisused, object, len(letters))
	}
	letter := letters[max(line, 1)-1]
	shown := shownDeadLetter{listedDeadLetter: listed(name, letter)}
	if !asJSON {
		return writeShown(out, shown, letter.Content)
	}
	if utf8.Valid(letter.Content) {
		shown.Content = string(letter.Content)
	} else {
		shown.ContentBase64 = letter.Content
	}
	return writeJSON(out, shown, "  ")
}

// splitLetterName returns the name of the object, and the number of the line in it. The number is 0 if name has none.
func splitLetterName(name string) (object string, line int) {
	if colon := strings.LastIndex(name, ":"); colon >= 0 {
		if n, err := strconv.Atoi(name[colon+1:]); err == nil && n > 0 {
			return name[:colon], n
		}
	}
	return name, 0
}

// writeShown writes a dead letter as text.
func writeShown(out io.Writer, letter shownDeadLetter, content []byte) error {
	var text bytes.Buffer
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"Name", letter.Name}, {"Reason", letter.Reason}, {"Detail", letter.Detail},
		{"Hub event", fmt.Sprintf("partition %s, sequence number %d, enqueued %s", letter.Partition, letter.Sequence, timeOrDash(letter.Enqueued))},
		{"Record", strconv.Itoa(letter.Record)}, {"Category", letter.Category},
		{"Audit ID", letter.AuditID}, {"Verb", letter.Verb}, {"User", letter.User}, {"Resource", letter.Resource},
		{"Bytes", strconv.Itoa(letter.Bytes)},
	} {
		_, _ = fmt.Fprintf(table, "%s:\t%s\n", line[0], orDash(onOneLine(line[1]))) // a buffer returns no error
	}
	_ = table.Flush()
	text.WriteString("\n" + readable(content))
	if _, err := text.WriteTo(out); err != nil {
		return fmt.Errorf("write the dead letter: %w", err)
	}
	return nil
}

// readable returns content for a terminal. JSON is indented, other text stays as it is, and anything else becomes a
// hex dump. Characters that could control the terminal are escaped.
func readable(content []byte) string {
	var indented bytes.Buffer
	switch {
	case len(content) == 0:
		return "(no content)\n"
	case !utf8.Valid(content):
		return hex.Dump(content)
	case json.Indent(&indented, bytes.TrimSpace(content), "", "  ") == nil:
		content = indented.Bytes()
	}
	return strings.TrimRight(printable.Escape(string(content), "\n\t"), "\n") + "\n"
}

// onOneLine returns text with line breaks and characters that could control a terminal escaped.
func onOneLine(text string) string { return printable.Escape(text, "") }
