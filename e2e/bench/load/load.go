// Package load makes what the benchmark runs on: hub events as AKS writes them, the EventLists that
// become of them, and the time of appending within each audit event, so that a sink can tell how
// long it was on its way.
package load

import (
	"bytes"
	"strconv"
	"time"
)

// An audit event's auditID has the length of a UUID. Behind stampMark stand the nanoseconds since
// 1970 of its appending, noStamp if nobody wants to know.
const (
	auditIDKey    = `"auditID":"`
	auditIDLength = 36
	stampMark     = 't'
	stampDigits   = 19
	noStamp       = "n0000000000000000000"
	someStamp     = "t0000000000000000000"
)

// EventList is what a Kubernetes API server would POST of so many audit events: the first ones of the bodies that a
// backlog of usual hub events consists of.
func EventList(events int) []byte {
	list := []byte(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[`)
	for n := range events {
		if n > 0 {
			list = append(list, ',')
		}
		list = append(list, auditEvent(n, usualSize(n), noStamp)...)
	}
	return append(list, ']', '}')
}

// Stamped makes hub events which say in each audit event when they were appended. The bodies take turns.
type Stamped struct {
	bodies []stampedBody
	next   int
}

type stampedBody struct {
	body   []byte
	digits []int // where in body a time stands
}

// NewStamped prepares hub events of so many audit events.
func NewStamped(records int) *Stamped {
	s := &Stamped{}
	for _, body := range (Shape{Records: records}).bodies(someStamp) {
		s.bodies = append(s.bodies, stampedBody{body: body, digits: placesOfTimes(body)})
	}
	return s
}

func placesOfTimes(body []byte) []int {
	key := []byte(`\"auditID\":\"` + string(stampMark))
	var digits []int
	for from := 0; ; {
		i := bytes.Index(body[from:], key)
		if i < 0 {
			return digits
		}
		from += i + len(key)
		digits = append(digits, from)
	}
}

// At is a hub event appended at this time.
func (s *Stamped) At(appended time.Time) []byte {
	template := s.bodies[s.next%len(s.bodies)]
	s.next++
	body := bytes.Clone(template.body)
	stamp := strconv.FormatInt(appended.UnixNano(), 10)
	for _, at := range template.digits {
		copy(body[at:at+stampDigits], stamp)
	}
	return body
}

// Scan counts the audit events in the body of a POST. For each one that carries a time it calls stamped with the audit
// ID and how long the audit event was on its way until now. Such an ID is unique as long as no two hub events are
// appended in the same nanosecond. Scan looks for the key of the auditID and parses nothing, so that the sink costs
// little beside what is measured.
func Scan(body []byte, now time.Time, stamped func(id string, wait time.Duration)) (events int) {
	key := []byte(auditIDKey)
	for {
		i := bytes.Index(body, key)
		if i < 0 {
			return events
		}
		events++
		body = body[i+len(key):]
		if len(body) < auditIDLength || body[0] != stampMark {
			continue
		}
		if appended, err := strconv.ParseInt(string(body[1:1+stampDigits]), 10, 64); err == nil {
			stamped(string(body[:auditIDLength]), now.Sub(time.Unix(0, appended)))
		}
	}
}
