package webhook

import (
	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
)

// parcel is one request body and the audit events in it. What is tried, repeated and answered
// is the body; what is counted and logged are the events.
type parcel struct {
	body
	events []forwarder.AuditEvent
	// again is how many of them were counted before: they are sent again because the sink was
	// lost.
	again int
	// failed is whether they have been counted as failed.
	failed bool
}

// pack makes the parcel of the events: a list, or just the event where batches are not wanted.
func pack(events []forwarder.AuditEvent, list bool) parcel {
	p := parcel{body: newBody(events, list), events: events}
	for n := range events {
		if events[n].Again {
			p.again++
		}
	}
	return p
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
