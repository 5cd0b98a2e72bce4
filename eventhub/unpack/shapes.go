package unpack

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/valyala/fastjson"

	"aks-audit-log-go/eventhub/unpack/shapes"
	"aks-audit-log-go/forwarder/audit"
)

// Senders other than AKS put audit events into hubs too: collectors, webhooks, data exports. Package shapes finds
// these audit events, and this file makes records of them. It also makes records of the parts of a body that is not
// one JSON value.

// maxBodyStrings is how many strings a body may be wrapped in.
const maxBodyStrings = 3

// NotJSON is the shape of a part of a body that is not JSON.
const NotJSON = "not JSON"

// isPacked reports whether a body begins like a gzip (RFC 1952) or Zstandard (RFC 8878) stream.
func isPacked(body []byte) bool {
	return bytes.HasPrefix(body, []byte("\x1f\x8b")) || bytes.HasPrefix(body, []byte("\x28\xb5\x2f\xfd"))
}

// recordTexts holds the texts of a body's records. It finds them when the first one is needed; usual records need
// none.
type recordTexts struct {
	body  []byte
	found bool
	texts [][]byte
}

// recordText leads to the text of a record, by the record's number in the body. value is the parsed record.
type recordText struct {
	texts *recordTexts
	index int
	value *fastjson.Value
}

// bytes returns the record as it stands in the body.
func (r recordText) bytes() []byte {
	if !r.texts.found {
		r.texts.texts, r.texts.found = shapes.Records(r.texts.body), true
	}
	if r.index >= len(r.texts.texts) {
		return r.value.MarshalTo(nil)
	}
	return r.texts.texts[r.index]
}

// log returns a copy of a properties.log that is not a string, as it stands in the body.
func (r recordText) log(log *fastjson.Value) []byte {
	if text := shapes.Member(shapes.Member(r.bytes(), "properties"), "log"); text != nil {
		return bytes.Clone(text)
	}
	return log.MarshalTo(nil)
}

// shape describes the record to people.
func (r recordText) shape() string { return shapes.MemberNames(r.bytes()) }

// appendFromOther appends the records found in a value that is not an object, or a dead letter if there are none.
func (p *parser) appendFromOther(records []Record, text recordText) []Record {
	found := shapes.Find(text.bytes())
	if len(found) == 0 {
		return append(records, deadRecord(audit.ReasonNotAnAuditEvent, "", text.bytes()))
	}
	for _, f := range found {
		records = append(records, p.foundRecord(f, origin{}))
	}
	return records
}

// appendFound appends the records found in a record that has no log.
func (p *parser) appendFound(records []Record, value *fastjson.Value, text recordText, category string) []Record {
	find := shapes.Find
	if category != "" {
		find = shapes.FindInside
	}
	found := find(text.bytes())
	if len(found) == 0 {
		return append(records, p.withoutEvent(value, text, category))
	}
	from := origin{category: category, time: string(value.GetStringBytes("time")), resourceID: value.GetStringBytes("resourceId")}
	for _, f := range found {
		records = append(records, p.foundRecord(f, from))
	}
	return records
}

// withoutEvent returns the record of a value that has no log and in which no audit event was found.
func (p *parser) withoutEvent(value *fastjson.Value, text recordText, category string) Record {
	if category == "" {
		return skippedShape(text.shape())
	}
	record := deadRecord(audit.ReasonNoLog, category, text.bytes())
	record.Cluster = p.clusters.Of(value.GetStringBytes("resourceId")).Name
	return record
}

// origin holds the fields of the record around a finding.
type origin struct {
	category, time string
	resourceID     []byte
}

// foundRecord returns the record of a finding.
func (p *parser) foundRecord(f shapes.Finding, from origin) Record {
	switch f.Kind {
	case shapes.Record:
		return p.nestedRecord(f.Text)
	case shapes.Row:
		return p.rowRecord(f.Text)
	case shapes.Doubtful:
		return deadRecord(audit.ReasonNotAnAuditEvent, from.category, f.Text)
	default:
		return p.eventRecord(bytes.Clone(f.Text), f.Text, from)
	}
}

// nestedRecord returns the record of a text that was found inside another envelope.
func (p *parser) nestedRecord(text []byte) Record {
	value, err := p.nested.ParseBytes(text)
	switch {
	case errors.Is(err, errTooManyValues):
		return deadRecord(audit.ReasonTooManyValues, "", text)
	case err != nil:
		return p.broken(text, false)
	}
	source := recordText{&recordTexts{body: text, found: true, texts: [][]byte{text}}, 0, value}
	category := string(value.GetStringBytes("category"))
	switch log := p.log(value, source); {
	case category != "" && !p.rules.carriesAudit(category):
		return Record{Verdict: audit.Skipped, Category: category}
	case shapes.IsOfContainer(value):
		return skippedShape(source.shape())
	case log != nil:
		return p.auditRecord(value, source, category, log)
	default:
		return p.withoutEvent(value, source, category)
	}
}

// rowRecord returns the record of a row of a table of audit events.
func (p *parser) rowRecord(row []byte) Record {
	event, category, resourceID := shapes.Rebuild(row)
	if !p.rules.carriesAudit(category) {
		return Record{Verdict: audit.Skipped, Category: category}
	}
	record := p.eventRecord(event, row, origin{category: category, resourceID: []byte(resourceID)})
	if record.Original != nil {
		record.Original = bytes.Clone(row)
	}
	return record
}

// timeOr returns the time of a record. If the record has none, it returns the time when the hub event came into the
// hub.
func (p *parser) timeOr(recordTime string) string {
	if recordTime == "" && !p.enqueued.IsZero() {
		return p.enqueued.UTC().Format(time.RFC3339Nano)
	}
	return recordTime
}

// eventRecord returns the record of an audit event. written is the event as it stood in the body, for a dead letter.
func (p *parser) eventRecord(event, written []byte, from origin) Record {
	record, reason := p.auditEvent(event, p.timeOr(from.time), p.clusterTag(from.resourceID))
	if reason != "" {
		record = deadRecord(reason, from.category, written)
	} else {
		p.both.Note(from.resourceID, from.category)
		record.Category = from.category
	}
	record.Cluster = p.clusters.Of(from.resourceID).Name
	return record
}

// readParts returns the records of a body that is not one JSON value.
func (p *parser) readParts(text []byte) ([]Record, error) {
	parts := shapes.Split(text, func(part []byte) bool {
		_, err := p.body.ParseBytes(part)
		return err == nil
	})
	ofAudit := slices.ContainsFunc(shapes.Categories(text), p.rules.carriesAudit)
	if len(parts) == 0 {
		return []Record{p.broken(text, ofAudit)}, nil
	}
	var records []Record
	for _, part := range parts {
		if parsed, err := p.body.ParseBytes(part); err != nil {
			records = append(records, p.broken(part, ofAudit))
		} else if records, err = p.appendRecords(records, parsed, part); err != nil {
			return nil, err
		}
		if len(records) > maxRecords {
			return nil, errTooManyValues
		}
	}
	return records, nil
}

// broken returns the record of a part of a body that is not JSON. It repairs an audit event that was cut, as it does
// for AKS's own cuts. Any other part becomes a dead letter if it seems to be of the audit log, and is skipped
// otherwise. ofAudit says that the body names a category of audit events somewhere: a part that names no category may
// then belong to it.
func (p *parser) broken(part []byte, ofAudit bool) Record {
	if shapes.IsCutEvent(part) {
		return p.eventRecord(bytes.Clone(part), part, origin{})
	}
	names := shapes.Categories(part)
	wanted := slices.IndexFunc(names, p.rules.carriesAudit)
	switch {
	case wanted >= 0:
		return p.brokenAudit(part, names[wanted])
	case len(names) > 0:
		return Record{Verdict: audit.Skipped, Category: names[0]}
	case ofAudit || shapes.NamesAuditEvents(part):
		return deadRecord(audit.ReasonNotJSON, "", part)
	default:
		return skippedShape(NotJSON)
	}
}

// brokenAudit returns the record of a broken part that names a category of audit events.
func (p *parser) brokenAudit(part []byte, category string) Record {
	whole := shapes.Complete(part)
	value, err := p.nested.ParseBytes(whole)
	if err != nil || !p.rules.carriesAudit(string(value.GetStringBytes("category"))) {
		return deadRecord(audit.ReasonNotJSON, category, part)
	}
	record := p.nestedRecord(whole)
	if record.Verdict == audit.DeadLettered {
		record.Content = bytes.Clone(part)
	}
	return record
}
