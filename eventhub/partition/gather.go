package partition

import (
	"context"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/deadletters"
	"aks-audit-log-go/eventhub/unpack"
	"aks-audit-log-go/forwarder/audit"
)

// hubEvent is an unpacked hub event. It is done when each of its records has a verdict.
type hubEvent struct {
	// Event is the hub event without its body: the records are copies.
	eventhub.Event
	records []unpack.Record
	// detail explains why the whole hub event is a dead letter.
	detail string
	// release has to be called once the hub event is done, nil if it is of usual size.
	release func()
	// redelivered is whether the hub event is read again because the sink was lost.
	redelivered bool
	// audits is how many records are audit events for the sink. posted is how many of these have an outcome.
	audits, posted int
	// deadLetters is whether there are dead letters among the records. handedOver is how many records were searched
	// for dead letters. hold is what the checkpoint waits for, nil without a dead letter.
	deadLetters bool
	handedOver  int
	hold        *deadletters.Hold
	// bytes is the size of the audit events. weight is about how much memory the hub event takes.
	bytes, weight int
}

// batch is what was unpacked and waits for deliver.
type batch struct {
	events        []*hubEvent
	audits, bytes int
}

func (b *batch) add(event *hubEvent) {
	b.events = append(b.events, event)
	b.audits += event.audits
	b.bytes += event.bytes
}

// gather unpacks hub events in order until ctx ends, while deliver is busy with earlier ones. It hands over all it has
// as soon as deliver asks, and never waits for more. It holds at most one batch, within MAXBYTESINFLIGHT.
func (p *Partition) gather(ctx context.Context, events <-chan eventhub.Event, deliver chan<- []*hubEvent) {
	defer close(deliver)
	var ready batch
	for {
		in, out := events, deliver
		room, later := p.share.room()
		if !room || ready.audits >= p.shared.cfg.PostBatchMaxEvents || ready.bytes >= p.shared.cfg.PostBatchMaxBytes {
			in = nil
		}
		if len(ready.events) == 0 {
			out = nil
		}
		select {
		case <-ctx.Done():
			return // deliver has not begun with what it was not handed
		case event := <-in:
			unpacked := p.unpack(ctx, event)
			if unpacked == nil {
				return
			}
			p.share.reserve(unpacked.weight)
			p.share.keep(unpacked.release)
			ready.add(unpacked)
		case <-later:
		case out <- ready.events:
			ready = batch{}
		}
	}
}

// unpack unpacks a hub event, and notes that it was received. It returns nil if ctx ends before.
func (p *Partition) unpack(ctx context.Context, event eventhub.Event) *hubEvent {
	records, detail, release, err := p.unpacker.Unpack(ctx, event)
	if err != nil {
		return nil
	}
	position := eventhub.After(event)
	unpacked := &hubEvent{
		Event: event, records: records, detail: detail, release: release,
		weight: len(event.Body), redelivered: p.received.Passed(position),
	}
	p.noteReceived(event, position)
	p.noteClusters(unpacked)
	p.watched(unpacked)
	p.warnOfMissingCluster(event)
	p.warnOfBothCategories()
	unpacked.Body = nil
	taken := recordOverhead // of the hub event itself
	for i := range unpacked.records {
		record := &unpacked.records[i]
		taken += len(record.Content) + len(record.Original) + recordOverhead
		if record.Verdict == "" {
			unpacked.bytes += len(record.Content)
			unpacked.audits++
		}
		if shape := record.Shape(); shape != "" && !unpacked.redelivered {
			p.warnOfSkipped(event, shape)
		}
		unpacked.deadLetters = unpacked.deadLetters || record.Verdict == audit.DeadLettered || record.Original != nil
	}
	unpacked.weight = max(unpacked.weight, taken)
	if p.debug {
		p.log.WithFields(logrus.Fields{"sequence": event.Sequence, "records": len(unpacked.records)}).Debug("hub event unpacked")
	}
	return unpacked
}

// noteReceived counts a hub event that is received for the first time, and reports a gap before it.
func (p *Partition) noteReceived(event eventhub.Event, position eventhub.Position) {
	if p.debug {
		p.log.WithFields(logrus.Fields{
			"sequence": event.Sequence, "bytes": len(event.Body), "offset": event.Offset, "enqueued": event.Enqueued,
		}).Debug("hub event received")
	}
	if !p.received.Passed(position) {
		p.stats.Received(len(event.Body))
		if p.received.OtherStream(position) {
			p.noteOtherStream(p.received, position)
		} else {
			p.noteGap(p.received.Sequence, event.Sequence)
		}
		p.received = position
		p.noteOldest(event)
	}
	p.lag.observe(position)
}

// noteOtherStream reports that the partition now holds another stream, and that reading continues with its first
// event.
func (p *Partition) noteOtherStream(last, first eventhub.Position) {
	p.stats.StreamChanged()
	p.log.WithFields(logrus.Fields{"last": last.Sequence, "last_enqueued": last.Enqueued, "first": first.Sequence, "first_enqueued": first.Enqueued}).
		Warn("the event hub was created again, rewound or failed over: its events do not continue those that were read; reading all that were enqueued since")
}

// noteClusters counts the records of a hub event by cluster, each once however often the hub event is read.
func (p *Partition) noteClusters(event *hubEvent) {
	if event.redelivered {
		return
	}
	for rest := event.records; len(rest) > 0; {
		// Nearly all hub events are of one cluster: a run of its records costs one look-up.
		run := 1
		for run < len(rest) && rest[run].Cluster == rest[0].Cluster {
			run++
		}
		p.shared.stats.ClusterRead(rest[0].Cluster, run, event.Enqueued)
		rest = rest[run:]
	}
}

// noteGap reports the hub events that are missing between the last one received, or the checkpoint, and the next one.
// The client has already tried to get them.
func (p *Partition) noteGap(last, next int64) {
	missing := next - last - 1
	if last == eventhub.NoSequence || missing <= 0 {
		return
	}
	p.stats.Missing(missing)
	p.log.WithFields(logrus.Fields{"after": last, "before": next, "missing": missing}).
		Warn("hub events are missing: retention removed them, or the hub did not deliver them; Falco never sees their audit events")
}

// warnOfSkipped warns once a minute of skipped records that name no log category and hold no recognisable audit event.
// It logs the names of their members, but no values, which may be secrets.
func (p *Partition) warnOfSkipped(event eventhub.Event, shape string) {
	text := shape == unpack.NotJSON
	key := "no category"
	if text {
		key = unpack.NotJSON
	}
	decision := p.shared.skipped.Next(key)
	if !decision.Log {
		return
	}
	log := p.log.WithField("sequence", event.Sequence)
	if decision.LeftOut > 0 {
		log = log.WithField("more_since", decision.LeftOut)
	}
	if text {
		log.Warn("skipped text that is not JSON and names no category of CATEGORIES: find out what else writes to the hub")
		return
	}
	log.WithField("members", shape).
		Warn("skipped a record without a category and without an audit event: find out what writes records of these members to the hub")
}

// warnOfMissingCluster warns once that CLUSTERNAME=on has no effect on some records.
func (p *Partition) warnOfMissingCluster(event eventhub.Event) {
	if p.unpacker.MissedCluster() && p.warned.Next("no cluster").Log {
		p.log.WithField("sequence", event.Sequence).
			Warn("records do not name their cluster (resourceId): their audit events are sent without cluster_name")
	}
}

// warnOfBothCategories warns once in the process that a cluster sends each change twice.
func (p *Partition) warnOfBothCategories() {
	cluster := p.unpacker.BothCategories()
	if cluster != "" && p.shared.warned.Next("both categories").Log {
		p.log.WithField("cluster", cluster).Warn(audit.BothCategoriesAdvice)
	}
}
