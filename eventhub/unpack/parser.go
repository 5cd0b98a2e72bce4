package unpack

import (
	"bytes"
	"errors"

	"github.com/valyala/fastjson"

	"aks-audit-log-go/forwarder/audit"
)

// parser is the general parser. It accepts all JSON that Falco's parser accepts, and its records are copies. A body
// from AKS has one audit event in each string "log", often with a newline at its end:
//
//	{"records":[{"category":"kube-audit","properties":{"log":"{\"kind\":\"Event\",…}\n",…},…},…]}
//
// Other Azure services send a bare array of records or a single record, and "log" or "properties" may be an object or
// an object in a string. The parser accepts all of these.
type parser struct {
	rules     rules
	clusters  *clusterTags
	both      *bothCategories
	validator Validator

	body       boundedParser
	properties boundedParser
}

var utf8BOM = []byte("\xef\xbb\xbf")

// read returns the records of a body in their order. An empty body has one skipped record.
func (p *parser) read(body []byte) []Record {
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(body, utf8BOM))
	if len(trimmed) == 0 {
		return []Record{{Verdict: audit.Skipped}}
	}
	parsed, err := p.body.ParseBytes(trimmed)
	if err != nil {
		return []Record{deadRecord(audit.ReasonNotJSON, "", body)}
	}
	values := recordValues(parsed)
	if len(values) > maxRecords {
		return []Record{deadRecord(audit.ReasonTooManyValues, "", body)}
	}
	records := make([]Record, 0, len(values))
	for _, value := range values {
		records = append(records, p.record(value))
	}
	return records
}

// recordValues returns the records in a body.
func recordValues(body *fastjson.Value) []*fastjson.Value {
	if body.Type() == fastjson.TypeArray {
		return body.GetArray()
	}
	records := body.Get("records")
	if records == nil {
		return []*fastjson.Value{body}
	}
	if records.Type() == fastjson.TypeArray {
		return records.GetArray()
	}
	return []*fastjson.Value{records}
}

func (p *parser) record(value *fastjson.Value) Record {
	if value.Type() != fastjson.TypeObject {
		return deadRecord(audit.ReasonNotAnAuditEvent, "", value.MarshalTo(nil))
	}
	category := string(value.GetStringBytes("category"))
	if category != "" && !p.rules.carriesAudit(category) {
		return Record{Verdict: audit.Skipped, Category: category}
	}
	record := p.auditRecord(value, category)
	if record.Verdict != audit.Skipped {
		record.Cluster = p.clusters.of(value.GetStringBytes("resourceId")).name
	}
	return record
}

// auditRecord returns the record of a value that may hold an audit event.
func (p *parser) auditRecord(value *fastjson.Value, category string) Record {
	log := p.log(value)
	if log == nil {
		return unusable(audit.ReasonNoLog, category, value.MarshalTo(nil))
	}
	record, reason := p.auditEvent(log, string(value.GetStringBytes("time")), p.clusterTag(value))
	if reason != "" {
		return unusable(reason, category, log)
	}
	p.both.note(value.GetStringBytes("resourceId"), category)
	record.Category = category
	return record
}

// log returns a copy of properties.log without white space around it, nil if there is none.
func (p *parser) log(value *fastjson.Value) []byte {
	properties := value.Get("properties")
	if properties != nil && properties.Type() == fastjson.TypeString {
		text := properties.GetStringBytes()
		parsed, err := p.properties.ParseBytes(text)
		if errors.Is(err, errTooManyValues) {
			return bytes.Clone(text) // a log in it would be too large as well
		}
		properties = parsed
	}
	log := properties.Get("log")
	switch {
	case log == nil:
		return nil
	case log.Type() == fastjson.TypeString:
		return append([]byte{}, bytes.TrimSpace(log.GetStringBytes())...)
	default:
		return log.MarshalTo(nil)
	}
}

// clusterTag returns the cluster's name for a record, if it is wanted and known.
func (p *parser) clusterTag(value *fastjson.Value) clusterTag {
	if !p.rules.clusterName {
		return clusterTag{}
	}
	return p.clusters.tag(value.GetStringBytes("resourceId"))
}

// auditEvent returns the record of the audit event in a log, or the reason why Falco would lose the event. It repairs
// an event that was cut, and truncates an event that is too large or too deep.
func (p *parser) auditEvent(log []byte, recordTime string, tag clusterTag) (record Record, reason string) {
	record.Content = tag.addTo(log)
	record.AuditID, reason = p.validator.Check(record.Content)
	if reason == audit.ReasonNotJSON || reason == audit.ReasonTooDeep {
		repaired, err := repair(log, recordTime)
		switch {
		case errors.Is(err, errCutShort):
			return Record{}, audit.ReasonCut
		case err == nil:
			record.Content, record.Repaired = tag.addTo(repaired), true
			record.AuditID, reason = p.validator.Check(record.Content)
		}
	}
	if reason == audit.ReasonTooLarge || reason == audit.ReasonTooDeep || reason == audit.ReasonTooManyValues {
		record.Original, record.Reason = log, reason
		record.Content = truncate(record.Content, func(event []byte) bool {
			record.AuditID, reason = p.validator.Check(event)
			return reason == ""
		})
	}
	if reason == audit.ReasonTooLarge && tag != (clusterTag{}) {
		// An event without the cluster's name is better than no event.
		return p.auditEvent(log, recordTime, clusterTag{})
	}
	return record, reason
}
