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

// ReplaySink is where dead letters are posted again.
type ReplaySink interface {
	// Post hands an audit event to the sink. The verdict is Delivered, DeadLettered where the sink
	// refuses the event, or Dropped where it takes none at the moment.
	Post(ctx context.Context, event audit.Event) (audit.Outcome, error)
	// Settle waits until the events accepted so far cannot be lost with the sink any more.
	Confirm(ctx context.Context) error
}

// ReplayOptions choose what is replayed.
type ReplayOptions struct {
	// Reason, unless it is empty, leaves out the letters with another one.
	Reason string
	// DryRun only prints what would be sent.
	DryRun bool
	// MaxEventSize is the largest audit event that the sink takes, in bytes: SINKMAXEVENTSIZE.
	MaxEventSize int
	// Force also sends what Falco cannot use. Falco would answer 200 and drop it.
	Force bool
}

// settleEvery is how many accepted letters may wait for their deletion until the sink has settled:
// so many are sent again where the replay is killed.
const confirmEvery = 1000

// ErrLettersKept says that dead letters were left where they are.
var ErrLettersKept = errors.New("dead letters were kept")

// ReplayDeadLetters posts the dead letters again, in the order in which they stood in the hub, and
// deletes those that were accepted. It prints a line for each and a summary. What the sink refuses
// and what it could not use stays; a sink that takes nothing ends the replay.
func replayAll(ctx context.Context, records eventhub.DeadLetterRecords, sink ReplaySink, options ReplayOptions, out io.Writer) error {
	r := &replay{records: records, sink: sink, options: options, out: out, validator: unpack.Validator{MaxEventSize: options.MaxEventSize}}
	err := eachDeadLetter(ctx, records, func(name string, letter eventhub.DeadLetter, problem error) error {
		return r.handle(ctx, name, letter, problem)
	})
	if ctx.Err() != nil {
		// What was accepted need not be sent again: there is time for that.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventhub.RequestTimeout)
		defer cancel()
		ctx = last
	}
	err = errors.Join(err, r.confirm(ctx), r.summary())
	if err == nil && r.kept > 0 {
		err = ErrLettersKept
	}
	return err
}

// replay is one run of ReplayDeadLetters.
type replay struct {
	records eventhub.DeadLetterRecords
	sink    ReplaySink
	options ReplayOptions
	out     io.Writer

	validator unpack.Validator
	// accepted are the letters that the sink took and that are not deleted yet.
	accepted []acceptedDeadLetter
	// The numbers of letters, for the summary.
	sent, wouldSend, deleted, kept int
}

type acceptedDeadLetter struct {
	name   string
	letter eventhub.DeadLetter
}

func (r *replay) handle(ctx context.Context, name string, letter eventhub.DeadLetter, problem error) error {
	switch {
	case problem != nil:
		return r.keep(name, "unreadable", problem.Error())
	case r.options.Reason != "" && letter.Reason != r.options.Reason:
		return nil
	}
	event, reason := r.eventOf(letter)
	switch {
	case reason != "":
		return r.keep(name, "unusable", reason)
	case r.options.DryRun:
		r.wouldSend++
		return r.say(name, "would send", letter.Reason)
	}
	return r.post(ctx, name, letter, event)
}

// eventOf returns the audit event to be sent for a letter, or the reason why Falco could not use it.
// Nothing is mended here: what could be has been delivered so when the letter was stored, and
// deleting the original for it would lose the rest.
func (r *replay) eventOf(letter eventhub.DeadLetter) (event audit.Event, reason string) {
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

func (r *replay) post(ctx context.Context, name string, letter eventhub.DeadLetter, event audit.Event) error {
	outcome, err := r.sink.Post(ctx, event)
	if err != nil {
		return fmt.Errorf("send dead letter %s: %w", name, err)
	}
	switch outcome.Verdict {
	case audit.Delivered:
		r.sent++
		letter.Content = nil
		r.accepted = append(r.accepted, acceptedDeadLetter{name, letter})
		if err := r.say(name, "sent", letter.Reason); err != nil || len(r.accepted) < confirmEvery {
			return err
		}
		return r.confirm(ctx)
	case audit.DeadLettered:
		return r.keep(name, "refused", outcome.Reason)
	default:
		return fmt.Errorf("send dead letter %s: the sink does not take it: %s", name, outcome.Reason)
	}
}

// settle deletes what was accepted, once the sink cannot lose it any more. After a failure the
// letters stay, and are sent again by the next replay.
func (r *replay) confirm(ctx context.Context) error {
	accepted := r.accepted
	r.accepted = nil
	if len(accepted) == 0 {
		return nil
	}
	if err := r.sink.Confirm(ctx); err != nil {
		return fmt.Errorf("%d dead letters were sent but not deleted: %w", len(accepted), err)
	}
	var failures error
	for _, one := range accepted {
		err := r.records.DeleteDeadLetter(ctx, one.name, one.letter)
		switch {
		case errors.Is(err, eventhub.ErrConflict):
			err = r.keep(one.name, "stored anew", "the hub event came again; it is kept")
		case err == nil:
			r.deleted++
		}
		failures = errors.Join(failures, err)
	}
	return failures
}

func (r *replay) keep(name, what, why string) error {
	r.kept++
	return r.say(name, what, why)
}

// say prints a line about a letter.
func (r *replay) say(name, what, why string) error {
	if _, err := fmt.Fprintf(r.out, "%-20s  %-11s  %s\n", name, what, why); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

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
