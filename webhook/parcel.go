package webhook

import (
	"slices"

	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
)

// The envelope of a batch is what a Kubernetes API server itself sends. Of an EventList Falco
// loses only a bad item; of a bare array it would lose all.
const (
	listHead = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[`
	listTail = `]}`
)

// parcel is one request body and the audit events in it. What is tried, repeated and answered
// is the body; what is counted and logged are the events.
type parcel struct {
	body   *body
	events []forwarder.AuditEvent
	// again is how many of them were counted before: they are sent again because the sink was
	// lost.
	again int
	// failed is whether they have been counted as failed.
	failed bool
}

// fitting returns how many of the first events fit a batch: as many as size allows, but one at
// the least.
func (s batchSize) fitting(events []forwarder.AuditEvent) int {
	bytes := len(listHead) + len(listTail)
	for n := range events {
		bytes += len(events[n].JSON)
		if n > 0 {
			bytes++ // the comma
			if n == s.events || bytes > s.bytes {
				return n
			}
		}
	}
	return len(events)
}

// pack writes the body of the events: a list, or just the event where batches are not wanted.
func pack(events []forwarder.AuditEvent, list bool) parcel {
	p := parcel{events: events, body: newBody()}
	size := len(listHead) + len(listTail)
	for i := range events {
		size += len(events[i].JSON) + 1
		if events[i].Again {
			p.again++
		}
	}
	p.body.bytes = slices.Grow(p.body.bytes, size)
	if list {
		p.body.bytes = appendList(p.body.bytes, events)
	} else {
		p.body.bytes = append(p.body.bytes, events[0].JSON...)
	}
	return p
}

func appendList(to []byte, events []forwarder.AuditEvent) []byte {
	to = append(to, listHead...)
	for n := range events {
		if n > 0 {
			to = append(to, ',')
		}
		to = append(to, events[n].JSON...)
	}
	return append(to, listTail...)
}

// fresh is how many of the events were not counted before.
func (p parcel) fresh() int { return len(p.events) - p.again }

// logFields says which events a log line is about: the first, and how many where there are more.
func (p parcel) logFields() logrus.Fields {
	fields := p.events[0].LogFields()
	if len(p.events) > 1 {
		fields["events"] = len(p.events)
	}
	return fields
}
