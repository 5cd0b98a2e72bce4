package unpack

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/valyala/fastjson"

	"aks-audit-log-go/eventhub/unpack/cluster"
	"aks-audit-log-go/eventhub/unpack/shapes"
	"aks-audit-log-go/forwarder/audit"
)

// parser is the general parser. It accepts all JSON that Falco's parser accepts, and its records are copies. A body
// from AKS has one audit event in each string "log", often with a newline at the end:
//
//	{"records":[{"category":"kube-audit","properties":{"log":"{\"kind\":\"Event\",…}\n",…},…},…]}
//
// Other Azure services send a bare array of records or a single record, and "log" or "properties" may be an object or
// an object in a string. The parser accepts all of these. shapes.go reads other envelopes, and bodies that are not
// one JSON value.
type parser struct {
	rules     rules
	clusters  *cluster.Names
	both      *cluster.Both
	validator Validator

	// enqueued is when the hub event came into the hub. A cut audit event gets this time if neither the event nor its
	// record has one.
	enqueued time.Time

	body       boundedParser
	properties boundedParser
	// nested parses records that were found inside another envelope.
	nested boundedParser
}

// read returns the records of a body in their order. An empty body has one skipped record. A packed body whose
// encoding does not say so becomes a dead letter, because it may hold anything. read fails with errTooManyValues.
func (p *parser) read(body []byte) ([]Record, error) {
	if isPacked(body) {
		return []Record{deadRecord(audit.ReasonNotJSON, "", body)}, nil
	}
	return p.readText(shapes.Trim(body), 0)
}

// readText returns the records of a body. depth is the number of strings that the body was wrapped in.
func (p *parser) readText(text []byte, depth int) ([]Record, error) {
	if len(text) == 0 {
		return []Record{{Verdict: audit.Skipped}}, nil
	}
	parsed, err := p.body.ParseBytes(text)
	switch {
	case errors.Is(err, errTooManyValues):
		return nil, err
	case err != nil:
		return p.readParts(text)
	}
	if content := shapes.Trim(parsed.GetStringBytes()); depth < maxBodyStrings && shapes.HoldsJSON(content) {
		return p.readText(bytes.Clone(content), depth+1)
	}
	return p.appendRecords(nil, parsed, text)
}

// appendRecords appends the records of a JSON value with this text.
func (p *parser) appendRecords(records []Record, parsed *fastjson.Value, text []byte) ([]Record, error) {
	values := recordValues(parsed)
	if len(records)+len(values) > maxRecords {
		return nil, errTooManyValues
	}
	records = slices.Grow(records, len(values))
	texts := recordTexts{body: text}
	for i, value := range values {
		if records = p.appendRecord(records, value, recordText{&texts, i, value}); len(records) > maxRecords {
			return nil, errTooManyValues
		}
	}
	return records, nil
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

// appendRecord appends the record of a value, or the records found inside the value.
func (p *parser) appendRecord(records []Record, value *fastjson.Value, text recordText) []Record {
	if value.Type() != fastjson.TypeObject {
		return p.appendFromOther(records, text)
	}
	category := string(value.GetStringBytes("category"))
	if category != "" && !p.rules.carriesAudit(category) {
		return append(records, Record{Verdict: audit.Skipped, Category: category})
	}
	if shapes.IsOfContainer(value) {
		return append(records, skippedShape(text.shape()))
	}
	if log := p.log(value, text); log != nil {
		return append(records, p.auditRecord(value, text, category, log))
	}
	return p.appendFound(records, value, text, category)
}

// auditRecord returns the record of a log that may be an audit event.
func (p *parser) auditRecord(value *fastjson.Value, text recordText, category string, log []byte) Record {
	resourceID := value.GetStringBytes("resourceId")
	record, reason := p.auditEvent(log, p.timeOr(string(value.GetStringBytes("time"))), p.clusterTag(resourceID))
	if reason != "" {
		record = unusable(reason, category, log)
	} else {
		p.both.Note(resourceID, category)
		record.Category = category
	}
	if record.Verdict == audit.Skipped {
		return skippedShape(text.shape())
	}
	record.Cluster = p.clusters.Of(resourceID).Name
	return record
}

// log returns a copy of properties.log without white space around it, or nil if there is none.
func (p *parser) log(value *fastjson.Value, text recordText) []byte {
	properties, inString := value.Get("properties"), false
	if properties != nil && properties.Type() == fastjson.TypeString {
		written := properties.GetStringBytes()
		parsed, err := p.properties.ParseBytes(written)
		if errors.Is(err, errTooManyValues) {
			return bytes.Clone(written) // a log inside would be too large as well
		}
		properties, inString = parsed, true
	}
	log := properties.Get("log")
	switch {
	case log == nil:
		return nil
	case log.Type() == fastjson.TypeString:
		return append([]byte{}, bytes.TrimSpace(log.GetStringBytes())...)
	case inString:
		return log.MarshalTo(nil)
	default:
		return text.log(log)
	}
}

// clusterTag returns the tag with the name of a record's cluster. It is empty if CLUSTERNAME is off or the name is
// unknown.
func (p *parser) clusterTag(resourceID []byte) cluster.Tag {
	if !p.rules.clusterName {
		return cluster.Tag{}
	}
	return p.clusters.Tag(resourceID)
}

// auditEvent returns the record of the audit event in a log, or the reason why Falco would lose the event. It repairs
// an event that was cut, and truncates an event that is too large or too deep.
func (p *parser) auditEvent(log []byte, recordTime string, tag cluster.Tag) (record Record, reason string) {
	record.Content = tag.AddTo(log)
	record.AuditID, reason = p.validator.Check(record.Content)
	if reason == audit.ReasonNotJSON || reason == audit.ReasonTooDeep {
		repaired, err := repair(log, recordTime)
		switch {
		case errors.Is(err, errCutShort):
			return Record{}, audit.ReasonCut
		case err == nil:
			record.Content, record.Repaired = tag.AddTo(repaired), true
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
	if reason == audit.ReasonTooLarge && tag != (cluster.Tag{}) {
		// An event without the cluster's name is better than no event.
		return p.auditEvent(log, recordTime, cluster.Tag{})
	}
	return record, reason
}
