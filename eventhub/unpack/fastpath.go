package unpack

import (
	"slices"
	"time"

	"aks-audit-log-go/eventhub/unpack/cluster"
	"aks-audit-log-go/eventhub/unpack/inplace"
	"aks-audit-log-go/eventhub/unpack/jsonscan"
	"aks-audit-log-go/forwarder/audit"
)

// fastPath reads a usual hub event in a fraction of the general parser's time. It makes no copies: it undoes the
// escapes of "log" within the body, and the audit events are parts of the body. If anything in any record is unusual,
// the general parser reads the body instead.
type fastPath struct {
	rules    rules
	clusters *cluster.Names
	both     *cluster.Both

	// The fields below are memory that is reused for the next hub event.

	// backup is a copy of the body as it came.
	backup []byte
	// recordCount is how many records the last body had.
	recordCount int
	// auditIDs are the audit ids by record; joinedIDs is all of them in one text.
	auditIDs  [][]byte
	joinedIDs []byte
	category  lastCategory
	time      lastTime
}

// read returns the records of a usual body. For an unusual body it returns false and leaves the body as it was.
func (f *fastPath) read(body []byte) (records []Record, ok bool) {
	f.backup, f.auditIDs = append(f.backup[:0], body...), f.auditIDs[:0]
	r := bodyReader{body: inplace.NewBody(body), path: f, records: make([]Record, 0, f.recordCount)}
	if !r.readBody() {
		copy(body, f.backup)
		return nil, false
	}
	f.recordCount = len(r.records)
	f.setAuditIDs(r.records)
	return r.records, true
}

// setAuditIDs sets the audit ids of the records. They are parts of one string, which takes one allocation.
func (f *fastPath) setAuditIDs(records []Record) {
	f.joinedIDs = f.joinedIDs[:0]
	for _, id := range f.auditIDs {
		f.joinedIDs = append(f.joinedIDs, id...)
	}
	rest := string(f.joinedIDs)
	for i, id := range f.auditIDs {
		records[i].AuditID, rest = rest[:len(id)], rest[len(id):]
	}
}

// usable reports whether Falco accepts the event. Validator.Check makes the same decision from the text alone.
func (f *fastPath) usable(event *inplace.AuditEvent) bool {
	return string(event.Kind) == "Event" && len(event.JSON) <= f.rules.maxEventSize && f.time.valid(event.StageTimestamp) &&
		jsonscan.Values(event.JSON, maxValues) <= maxValues
}

// lastCategory remembers the category of the last record, so that a run of records of one category needs one string.
type lastCategory struct {
	name string
	// carriesAudit is whether the category carries audit events.
	carriesAudit bool
}

// set remembers a category.
func (l *lastCategory) set(name []byte, r *rules) {
	if string(name) != l.name {
		l.name = string(name)
		l.carriesAudit = r.carriesAudit(l.name)
	}
}

// lastTime remembers the second of the last valid time. Most times of a hub event are in the same second or two.
type lastTime struct {
	// second is the time up to its point, like "2026-01-31T12:00:00.".
	second string
}

// valid reports whether a text is a time, like 2026-01-31T12:00:00.123456Z.
func (l *lastTime) valid(text []byte) bool {
	const afterPoint = len("2006-01-02T15:04:05.")
	if len(text) > afterPoint+1 && string(text[:afterPoint]) == l.second {
		last := len(text) - 1
		if text[last] == 'Z' && allDigits(text[afterPoint:last]) {
			return true
		}
	}
	var t time.Time
	if t.UnmarshalText(text) != nil {
		return false
	}
	if len(text) > afterPoint && text[afterPoint-1] == '.' {
		l.second = string(text[:afterPoint])
	}
	return true
}

func allDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// bodyReader reads one body for the fast path. All its methods return false if they find anything unusual.
type bodyReader struct {
	body    inplace.Body
	path    *fastPath
	records []Record
}

// readBody reads an object with an array "records". Nothing may follow the object.
func (b *bodyReader) readBody() bool {
	seen := false
	return b.body.Members(func(key []byte) bool {
		if key == nil || seen && string(key) == "records" {
			return false
		}
		if string(key) != "records" {
			return b.body.Skip()
		}
		seen = true
		return b.body.Elements(b.readRecord)
	}) && seen && b.body.AtEnd() && b.body.Values() <= maxValues
}

// envelope holds the fields that are read of one record.
type envelope struct {
	category                   []byte
	hasCategory, hasProperties bool
	// logStart is the offset at which the content of the log starts, 0 until it is found.
	logStart int
	// event is the audit event in the log. Its JSON is nil until the log is read.
	event inplace.AuditEvent
	// resourceID names the cluster of the record. It is nil if the record has none.
	resourceID []byte
}

func (b *bodyReader) readRecord() bool {
	if len(b.records) == maxRecords {
		return false
	}
	var e envelope
	whole := b.body.Members(func(key []byte) bool {
		switch string(key) {
		case "category":
			return b.readCategory(&e)
		case "properties":
			return b.readProperties(&e)
		case "resourceId":
			return b.readResourceID(&e)
		case "kubernetes", "docker", "container", "container_id", "container_name", "stream", "log_type":
			return false // the output of a container, which may say anything: see shapes.IsOfContainer
		default:
			return key != nil && b.body.Skip()
		}
	})
	if !whole {
		return false
	}
	category := &b.path.category
	category.set(e.category, &b.path.rules)
	if category.name != "" && !category.carriesAudit {
		b.add(Record{Verdict: audit.Skipped, Category: category.name}, nil)
		return true
	}
	if e.event.JSON == nil && !b.readLog(&e) || !b.path.usable(&e.event) || !b.addClusterName(&e) {
		return false
	}
	b.path.both.Note(e.resourceID, category.name)
	b.add(Record{
		Category: category.name, Cluster: b.path.clusters.Of(e.resourceID).Name, Content: slices.Clip(e.event.JSON),
	}, e.event.AuditID)
	return true
}

func (b *bodyReader) add(r Record, auditID []byte) {
	b.records, b.path.auditIDs = append(b.records, r), append(b.path.auditIDs, auditID)
}

func (b *bodyReader) readCategory(e *envelope) (ok bool) {
	if e.hasCategory {
		return false
	}
	e.hasCategory = true
	e.category, ok = b.body.PlainString()
	return ok
}

func (b *bodyReader) readResourceID(e *envelope) (ok bool) {
	if e.resourceID != nil {
		return false
	}
	e.resourceID, ok = b.body.PlainString()
	return ok
}

// readProperties reads the properties of a record. It reads the log too if it already knows that the category carries
// audit events. If not, it notes where the log starts.
func (b *bodyReader) readProperties(e *envelope) bool {
	if e.hasProperties {
		return false
	}
	e.hasProperties = true
	return b.body.Members(func(key []byte) (ok bool) {
		if string(key) != "log" {
			return key != nil && b.body.Skip()
		}
		if e.logStart > 0 {
			return false
		}
		if e.logStart, ok = b.body.StringStart(); !ok {
			return false
		}
		if e.hasCategory {
			b.path.category.set(e.category, &b.path.rules)
			if b.path.category.carriesAudit {
				return b.readLog(e)
			}
		}
		return b.body.Skip()
	})
}

// readLog reads the audit event of a record.
func (b *bodyReader) readLog(e *envelope) (ok bool) {
	if e.logStart == 0 {
		return false
	}
	e.event, ok = b.body.ReadLog(e.logStart)
	return ok
}

// addClusterName adds the cluster's name to the event if CLUSTERNAME is on and the name is known.
func (b *bodyReader) addClusterName(e *envelope) (ok bool) {
	if !b.path.rules.clusterName {
		return true
	}
	tag := b.path.clusters.Tag(e.resourceID)
	if tag == (cluster.Tag{}) {
		return true
	}
	e.event.JSON, ok = tag.InsertInto(e.event)
	return ok && len(e.event.JSON) <= b.path.rules.maxEventSize
}
