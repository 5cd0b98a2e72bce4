package partition

import (
	"context"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/eventhub"
	"aks-audit-log-go/eventhub/dedupe"
	"aks-audit-log-go/eventhub/unpack"
)

// hubEvent is an event that has been unpacked, with its records on their way to their verdicts.
type hubEvent struct {
	// Event is as it was received, without its body: the records are copies.
	eventhub.Event
	records []unpack.Record
	// twins are what tells copies of the audit events, by record; nil where none are looked for.
	twins []dedupe.Twin
	// detail says more where the event as a whole is a dead letter.
	detail string
	// audits is how many of the records are audit events for the sink.
	audits int
	// bytes is the size of the audit events, weight about what all of it takes of the memory.
	bytes, weight int
	// judged is how many of the records, the first ones, have their verdict, and posted how many
	// of the audits have an outcome.
	judged, posted int
}

// gathering is what was unpacked and waits to be delivered.
type gathering struct {
	events        []*hubEvent
	audits, bytes int
}

func (g *gathering) add(event *hubEvent) {
	g.events = append(g.events, event)
	g.audits += event.audits
	g.bytes += event.bytes
}

// gather unpacks events, in order, until stop ends, while the deliverer is busy with those before
// them. It hands over all that there is as soon as they are wanted; it never waits for more. A
// batch at most is gathered ahead, and no more than MAXBYTESINFLIGHT allows.
func (p *Partition) gather(stop context.Context, events <-chan eventhub.Event, deliver chan<- []*hubEvent) {
	defer close(deliver)
	var ready gathering
	for {
		in, out := events, deliver
		room, later := p.share.room()
		if !room || ready.audits >= p.cfg.PostBatchMaxEvents || ready.bytes >= p.cfg.PostBatchMaxBytes {
			in = nil
		}
		if len(ready.events) == 0 {
			out = nil
		}
		select {
		case <-stop.Done():
			return // what is not handed over has not been begun
		case event := <-in:
			unpacked := p.unpack(event)
			p.share.reserve(unpacked.weight)
			ready.add(unpacked)
		case <-later:
		case out <- ready.events:
			ready = gathering{}
		}
	}
}

// unpack takes an event apart.
func (p *Partition) unpack(event eventhub.Event) *hubEvent {
	p.noteReceived(event)
	unpacked := &hubEvent{Event: event, weight: len(event.Body)}
	unpacked.records, unpacked.detail = p.unpacker.Unpack(event)
	p.missCluster(event)
	unpacked.Body = nil
	unpacked.twins = p.copies.Twins(unpacked.records)
	taken := recordOverhead // of itself
	for i := range unpacked.records {
		record := &unpacked.records[i]
		taken += len(record.Content) + len(record.Original) + recordOverhead
		record.Again = p.repeats.known(event.Sequence, i)
		if record.Verdict != "" {
			continue
		}
		unpacked.bytes += len(record.Content)
		unpacked.audits++
	}
	unpacked.weight = max(unpacked.weight, taken)
	if p.debugging {
		p.log.WithFields(logrus.Fields{"sequence": event.Sequence, "records": len(unpacked.records)}).Debug("hub event unpacked")
	}
	return unpacked
}

// missCluster says once that CLUSTERNAME=on does nothing for some of the records.
func (p *Partition) missCluster(event eventhub.Event) {
	if p.unpacker.Clusters.Missed && !p.missedCluster {
		p.missedCluster = true
		p.log.WithField("sequence", event.Sequence).
			Warn("records say of no cluster that they are of it (resourceId), their audit events go without cluster_name")
	}
}

// arrived notes an event that comes for the first time, or again.
func (p *Partition) noteReceived(event eventhub.Event) {
	if p.debugging {
		p.log.WithFields(logrus.Fields{
			"sequence": event.Sequence, "bytes": len(event.Body), "offset": event.Offset, "enqueued": event.Enqueued,
		}).Debug("hub event received")
	}
	if before, first := p.repeats.arrived(event.Sequence); first {
		p.stats.HubEventReceived(p.id, len(event.Body))
		p.noteGap(before, event.Sequence)
	}
	p.lag.observe(event.Sequence)
}

// noteGap says which events are missing between the last one that came, or the checkpoint, and
// this one. The client has done what it can to get them.
func (p *Partition) noteGap(last, next int64) {
	missing := next - last - 1
	if last == eventhub.NoSequence || missing <= 0 {
		return
	}
	p.stats.EventsMissing(p.id, missing)
	p.log.WithFields(logrus.Fields{"after": last, "before": next, "missing": missing}).
		Warn("hub events are missing: retention removed them, or the hub did not give them")
}
