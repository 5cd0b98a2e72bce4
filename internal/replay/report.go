package replay

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"aks-audit-log-go/eventhub/unpack/shapes"
	"aks-audit-log-go/forwarder"
)

// longestName is how many characters of an audit id or an answer are shown, because an attacker may have chosen them.
const longestName = 200

// report prints the result of the replay. failure is why it ended, or nil.
func (r *replay) report(out io.Writer, cfg forwarder.Config, failure error) error {
	all := r.state.Counts.clone()
	if failure != nil && all.HubEvents+r.unconfirmed.HubEvents == 0 && !errors.Is(failure, errSinkFails) {
		return nil // nothing was done, and the error says why
	}
	var text strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&text, format+"\n", args...) }
	line("From %s to %s, by the time at which the hub got an event:", inText(r.options.From), inText(r.options.To))
	switch unconfirmed := r.unconfirmed; {
	case failure == nil && all.HubEvents == 0:
		line("The hub holds nothing of that time.")
	case r.options.DryRun:
		line("%s of %s would be sent to %s.", many(all.Sent, "audit event"), many(all.HubEvents, "hub event"), cfg.SinkAddress())
	case unconfirmed.Sent > 0:
		line("%s of %s were sent to %s and confirmed. %d more were sent, but not confirmed, and are sent again.",
			many(all.Sent, "audit event"), many(all.HubEvents, "hub event"), cfg.SinkAddress(), unconfirmed.Sent)
	default:
		line("%s of %s were sent to %s, which can no longer lose them.", many(all.Sent, "audit event"), many(all.HubEvents, "hub event"), cfg.SinkAddress())
	}
	if r.before > 0 {
		line("%d of them were sent before this run, as %s says.", r.before, r.options.StateFile)
	}
	r.reportRest(line, all)
	if failure != nil && !r.options.DryRun && r.canGoOn(failure) {
		line("To go on: %s", r.goOn(cfg))
	}
	if _, err := io.WriteString(out, text.String()); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// reportRest prints what was not sent, or not sent in full.
func (r *replay) reportRest(line func(format string, args ...any), all Counts) {
	if all.Skipped > 0 {
		line("%s of other log categories: skipped.", many(all.Skipped, "record"))
	}
	if all.Reduced > 0 {
		line("%s too large for the sink: sent without request or response object.", many(all.Reduced, "audit event"))
	}
	if unusable := sum(all.Unusable); unusable > 0 {
		var reasons []string
		for _, reason := range slices.Sorted(maps.Keys(all.Unusable)) {
			reasons = append(reasons, fmt.Sprintf("%s %d", reason, all.Unusable[reason]))
		}
		line("%s that cannot be read or used: not sent, and not stored as dead letters again (%s).",
			many(unusable, "record"), strings.Join(reasons, ", "))
	}
	if all.Refused > 0 {
		line("%s refused by the sink:", many(all.Refused, "audit event"))
		for _, event := range all.RefusedEvents {
			line("  partition %s, hub event %d, record %d, audit id %s: %s", event.Partition, event.Sequence, event.Record,
				shapes.Printable(event.AuditID, longestName), shapes.Printable(event.Answer, longestName))
		}
		if more := all.Refused - len(all.RefusedEvents); more > 0 {
			line("  and %d more", more)
		}
	}
	if all.Missing > 0 {
		line("%s missing: retention removed them before they were read.", many(int(all.Missing), "hub event"))
	}
	if len(r.oldest) > 0 {
		times := slices.SortedFunc(maps.Values(r.oldest), time.Time.Compare)
		line("The hub holds nothing before %s any more (the last of %s): retention has removed it.",
			inText(times[len(times)-1]), many(len(times), "partition"))
	}
}

// canGoOn reports whether something is left to send after a failure.
func (r *replay) canGoOn(failure error) bool { return failure != errNotAccepted } //nolint:errorlint // it is never wrapped

// goOn returns the command line that sends the rest.
func (r *replay) goOn(cfg forwarder.Config) string {
	from := r.options.From
	if r.options.StateFile == "" {
		from = r.resumeAt()
	}
	args := []string{"aks-audit-log-go", "replay", "-from", inText(from), "-to", inText(r.options.To)}
	add := func(flag, value string) {
		if value != "" {
			args = append(args, flag, quoted(value))
		}
	}
	add("-group", r.options.Group)
	hidden := ""
	if r.options.SinkURL != "" {
		add("-to-sink", cfg.SinkAddress())
		if cfg.SinkAddress() != r.options.SinkURL {
			hidden = " (with the user, password and query of -to-sink, which are not shown)"
		}
	}
	add("-state", r.options.StateFile)
	return strings.Join(args, " ") + hidden
}

// resumeAt returns the time from which to read again, so that everything unconfirmed is sent. It is the enqueued time
// of the last confirmed hub event, in the partition that is the furthest back. Partitions that are complete do not
// count.
func (r *replay) resumeAt() time.Time {
	at := r.options.To
	for partition, info := range r.found {
		last, begun := r.state.Partitions[partition]
		switch {
		case begun && last.Sequence >= info.Last, !begun && info.LastEnqueued.Before(r.options.From):
			continue
		case !begun:
			return r.options.From
		case last.Enqueued.Before(at):
			at = last.Enqueued
		}
	}
	if len(r.found) == 0 {
		return r.options.From
	}
	return at
}

// many returns a number with its noun.
func many(count int, of string) string {
	if count == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", count, of)
}

// sum returns the sum of all counts.
func sum(counts map[string]int) (total int) {
	for _, count := range counts {
		total += count
	}
	return total
}

// quoted returns a word, quoted for a shell if necessary.
func quoted(word string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._/:@%+=,", c)
	}
	if word != "" && strings.IndexFunc(word, func(c rune) bool { return !plain(c) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
