package harness

import (
	"bytes"
	"io"
	"os"
	"time"
)

const (
	// lumpTime is the shortest time that an engine sleeps. A fast engine processes several audit events after each
	// sleep, because a busy machine cannot wake it 9,000 times a second.
	lumpTime = 10 * time.Millisecond
	// engineCredit is how far an engine may fall behind its speed and still catch up. Anything longer counts as idle
	// time.
	engineCredit = 100 * time.Millisecond
	// idLength is the length of an AuditID.
	idLength = 36
)

// engine is the rule engine of a Falco. It processes audit events at a set speed.
type engine struct {
	used io.Writer
	// pace is the time for one audit event.
	pace time.Duration
	// left is how many more audit events the engine processes. Below 0, there is no limit.
	left int
	// onlyIDs makes the engine write auditIDs instead of whole audit events.
	onlyIDs bool
	// due is until when the engine is busy with what it has processed, at its speed.
	due time.Time
	// ended is the signal that has ended the engine, or nil.
	ended os.Signal
}

// use processes a batch. A signal ends it within the batch. After an empty batch, it also checks for a signal.
func (e *engine) use(batch eventWriters, signals <-chan os.Signal) error {
	lump := int(max(1, lumpTime/max(1, e.pace)))
	for {
		n := min(lump, len(batch))
		if e.left >= 0 {
			n = min(n, e.left)
		}
		var worked <-chan time.Time // nil for an engine that has stopped processing
		if n > 0 || len(batch) == 0 {
			worked = time.After(e.until(n))
		}
		select {
		case e.ended = <-signals:
			return nil
		case <-worked:
		}
		if err := e.write(batch[:n]); err != nil {
			return err
		}
		e.left -= n
		batch = batch[n:]
		if len(batch) == 0 {
			return nil
		}
	}
}

// until returns how long it takes until n more audit events are processed.
func (e *engine) until(n int) time.Duration {
	if idle := time.Now().Add(-engineCredit); e.due.Before(idle) {
		e.due = idle
	}
	e.due = e.due.Add(time.Duration(n) * e.pace)
	return time.Until(e.due)
}

// write writes the processed audit events with one system call.
func (e *engine) write(batch eventWriters) error {
	var lines bytes.Buffer
	for _, event := range batch {
		content := event.data.Bytes()
		if e.onlyIDs {
			_, content, _ = bytes.Cut(content, []byte(`"auditID":"`))
			content = content[:min(idLength, len(content))]
		}
		lines.Write(content)
		lines.WriteByte('\n')
	}
	_, err := e.used.Write(lines.Bytes())
	return err
}
