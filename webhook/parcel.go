package webhook

import (
	"github.com/sirupsen/logrus"

	"aks-audit-log-go/forwarder"
)

// parcel is one request body and the audit events in it. What is tried, repeated and answered
// is the body; what is counted and logged are the events.
type parcel struct {
	body   []byte
	events []forwarder.AuditEvent
}

// single is an audit event on its own, posted as the Event that it is.
func single(event forwarder.AuditEvent) parcel {
	return parcel{body: event.JSON, events: []forwarder.AuditEvent{event}}
}

// each calls count once for every event of the parcel.
func (p parcel) each(count func()) {
	for range p.events {
		count()
	}
}

// eachNew calls count once for every event that was not counted before, eachAgain once for
// every other: they are sent again because the sink was lost.
func (p parcel) eachNew(count func())   { p.eachThat(false, count) }
func (p parcel) eachAgain(count func()) { p.eachThat(true, count) }

func (p parcel) eachThat(again bool, count func()) {
	for _, event := range p.events {
		if event.Again == again {
			count()
		}
	}
}

// logFields says which events a log line is about: the first, and how many where there are more.
func (p parcel) logFields() logrus.Fields {
	fields := p.events[0].LogFields()
	if len(p.events) > 1 {
		fields["events"] = len(p.events)
	}
	return fields
}
