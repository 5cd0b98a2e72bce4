package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder/audit"
)

// ReplaySink is the sink to which dead letters are posted again.
type ReplaySink interface {
	// Post posts an audit event. The verdict is Delivered, DeadLettered if the sink refuses the event, or Dropped if
	// the sink accepts no event at the moment.
	Post(ctx context.Context, event audit.Event) (audit.Outcome, error)
	// Confirm waits until the sink can no longer lose the events that it has accepted.
	Confirm(ctx context.Context) error
}

// ReplayOptions choose which dead letters are replayed, and how.
type ReplayOptions struct {
	// Reason selects the dead letters with this reason, or all if it is empty.
	Reason string
	// DryRun prints what would be sent, and sends nothing.
	DryRun bool
	// MaxEventSize is the largest audit event that the sink accepts, in bytes: SINKMAXEVENTSIZE.
	MaxEventSize int
	// Force also sends what Falco cannot use. Falco answers 200 to such an event, and drops it.
	Force bool
}

// confirmEvery is how many accepted dead letters wait for their confirmation and deletion at most. If the replay is
// killed, the next one sends them again.
const confirmEvery = 1000

// errKept says that dead letters were kept.
var errKept = errors.New("dead letters were kept")

// replayAll posts the dead letters again in the order of the hub, and deletes those that the sink accepts. It prints a
// line for each, and a summary. It keeps the dead letters that the sink refuses, and those that Falco cannot use. If
// the sink accepts no event at the moment, the replay ends.
func replayAll(ctx context.Context, records eventhub.DeadLetterRecords, sink ReplaySink, options ReplayOptions, out io.Writer) error {
	r := &replay{records: records, sink: sink, options: options, out: out, validator: unpack.Validator{MaxEventSize: options.MaxEventSize}}
	err := eachObject(ctx, records, func(object deadLetterObject) error { return r.handleObject(ctx, object) })
	if ctx.Err() != nil {
		// There is still time to confirm and delete the accepted ones, so that they are not sent again.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventhub.RequestTimeout)
		defer cancel()
		ctx = last
	}
	err = errors.Join(err, r.confirm(ctx), r.summary())
	if err == nil && r.kept > 0 {
		err = errKept
	}
	return err
}

// replay is one run of the command.
type replay struct {
	records eventhub.DeadLetterRecords
	sink    ReplaySink
	options ReplayOptions
	out     io.Writer

	validator unpack.Validator
	// accepted are the objects with dead letters that the sink has accepted and that are not deleted yet.
	accepted []acceptedObject
	// unconfirmed is how many dead letters these are. The other numbers are for the summary.
	unconfirmed                    int
	sent, wouldSend, deleted, kept int
}

// acceptedObject is an object with dead letters to delete.
type acceptedObject struct {
	name, version string
	// accepted has the indexes of the dead letters that the sink has accepted. letters is how many dead letters the
	// object has in all.
	accepted map[int]bool
	letters  int
}

// handleObject sends or keeps the dead letters of an object. After a failure, those accepted before it are deleted all
// the same.
func (r *replay) handleObject(ctx context.Context, object deadLetterObject) error {
	if object.unreadable != nil {
		return r.keep(object.name, "unreadable", object.unreadable.Error())
	}
	handled := acceptedObject{name: object.name, version: object.version, accepted: map[int]bool{}, letters: len(object.letters)}
	var failure error
	for i, letter := range object.letters {
		accepted, err := r.handle(ctx, object.letterName(i), letter)
		if accepted {
			handled.accepted[i] = true
		}
		if failure = err; failure != nil {
			break
		}
	}
	if len(handled.accepted) > 0 {
		r.accepted = append(r.accepted, handled)
		r.unconfirmed += len(handled.accepted)
	}
	if failure != nil || r.unconfirmed < confirmEvery {
		return failure
	}
	return r.confirm(ctx)
}

// handle sends or keeps a dead letter, and reports whether the sink has accepted it.
func (r *replay) handle(ctx context.Context, name string, letter eventhub.DeadLetter) (accepted bool, err error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if r.options.Reason != "" && letter.Reason != r.options.Reason {
		return false, nil
	}
	event, reason := r.auditEvent(letter)
	switch {
	case reason != "":
		return false, r.keep(name, "unusable", reason)
	case r.options.DryRun:
		r.wouldSend++
		return false, r.report(name, "would send", letter.Reason)
	}
	return r.post(ctx, name, letter, event)
}

// auditEvent returns the audit event of a dead letter, or the reason why Falco cannot use it. It repairs nothing:
// everything that can be repaired was delivered when the dead letter was stored, and only the dead letter still has
// the rest.
func (r *replay) auditEvent(letter eventhub.DeadLetter) (event audit.Event, reason string) {
	content := bytes.TrimSpace(letter.Content)
	if len(content) == 0 {
		return event, "empty"
	}
	auditID, reason := r.validator.Check(content)
	if r.options.Force {
		auditID, reason = unpack.Identify(content).AuditID, ""
	}
	return audit.Event{
		Partition: letter.Partition, Sequence: letter.Sequence, Record: letter.Record, AuditID: auditID, JSON: content,
	}, reason
}

// post posts the audit event of a dead letter, and reports whether the sink has accepted it.
func (r *replay) post(ctx context.Context, name string, letter eventhub.DeadLetter, event audit.Event) (accepted bool, err error) {
	outcome, err := r.sink.Post(ctx, event)
	if err != nil {
		return false, fmt.Errorf("send dead letter %s: %w", name, err)
	}
	switch outcome.Verdict {
	case audit.Delivered:
		r.sent++
		return true, r.report(name, "sent", letter.Reason)
	case audit.DeadLettered:
		return false, r.keep(name, "refused", outcome.Reason)
	default:
		return false, fmt.Errorf("send dead letter %s: the sink does not take it: %s", name, outcome.Reason)
	}
}

// confirm waits until the sink has confirmed the accepted dead letters, and deletes them. If the sink does not confirm
// them, they are kept, and the next replay sends them again.
func (r *replay) confirm(ctx context.Context) error {
	accepted, letters := r.accepted, r.unconfirmed
	r.accepted, r.unconfirmed = nil, 0
	if len(accepted) == 0 {
		return nil
	}
	if err := r.sink.Confirm(ctx); err != nil {
		return fmt.Errorf("%d dead letters were sent but not deleted: %w", letters, err)
	}
	var failures error
	for _, one := range accepted {
		err := r.remove(ctx, one)
		switch {
		case errors.Is(err, eventhub.ErrConflict):
			err = r.keep(one.name, "stored again", "the hub event came again; it is kept")
		case err == nil:
			r.deleted += len(one.accepted)
		}
		failures = errors.Join(failures, err)
	}
	return failures
}

// remove deletes the accepted dead letters of an object. If the object has others too, they are first stored as an
// object of their own. An interruption may therefore duplicate dead letters, but loses none.
func (r *replay) remove(ctx context.Context, object acceptedObject) error {
	if len(object.accepted) < object.letters {
		letters, version, err := r.records.ReadDeadLetters(ctx, object.name)
		switch {
		case errors.Is(err, eventhub.ErrNotFound):
			return nil
		case err != nil:
			return err
		case version != object.version || len(letters) != object.letters:
			return eventhub.ErrConflict
		}
		var kept []eventhub.DeadLetter
		for i, letter := range letters {
			if !object.accepted[i] {
				kept = append(kept, letter)
			}
		}
		if err := r.records.StoreDeadLetters(ctx, kept); err != nil {
			return err
		}
	}
	return r.records.DeleteDeadLetters(ctx, object.name, object.version)
}

// keep counts a dead letter that is kept, and prints a line about it.
func (r *replay) keep(name, result, reason string) error {
	r.kept++
	return r.report(name, result, reason)
}

// report prints a line about a dead letter.
func (r *replay) report(name, result, reason string) error {
	if _, err := fmt.Fprintf(r.out, "%-20s  %-11s  %s\n", name, result, reason); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// summary prints how many dead letters were sent, deleted and kept.
func (r *replay) summary() error {
	text := fmt.Sprintf("%d sent, %d of them deleted, %d kept\n", r.sent, r.deleted, r.kept)
	if r.options.DryRun {
		text = fmt.Sprintf("%d would be sent, %d kept\n", r.wouldSend, r.kept)
	}
	if _, err := io.WriteString(r.out, text); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
