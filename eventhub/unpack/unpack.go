package unpack

import (
	"bytes"
	"strings"

	"github.com/valyala/fastjson"

	"aks-audit-log-go/forwarder"
	"aks-audit-log-go/forwarder/audit"
)

// record is one record of a hub event, with the verdict that can be given without the sink.
type Record struct {
	// verdict is Skipped, DeadLettered, or "" for an audit event that the sink is to be given.
	Verdict audit.Verdict
	// category is the log category as the record names it, "" where it names none.
	Category string
	// reason is why the record is a dead letter, or why its audit event was reduced.
	Reason string
	// content is the audit event, or what is to be kept of a dead letter.
	Content []byte
	// auditID is the audit event's own id.
	AuditID string
	// salvaged is whether the audit event had been cut.
	Repaired bool
	// original is what stood in the hub where content is a reduced audit event; it is to be kept
	// as a dead letter.
	Original []byte
}

// rules say what is to be made of records.
type Rules struct {
	// maxEventSize is the largest audit event that the sink takes, in bytes.
	MaxEventSize int
	// categories are the log categories that carry audit events.
	categories []string
	// clusterName is whether audit events get the name of their cluster.
	clusterName bool
}

func RulesOf(cfg forwarder.Config) Rules {
	return Rules{MaxEventSize: cfg.SinkMaxEventSize, categories: cfg.Categories, clusterName: cfg.ClusterName}
}

// carriesAudit tells whether a log category holds audit events for the sink. Azure's spelling of a
// name is not to be relied on.
func (r *Rules) carriesAudit(category string) bool {
	for _, wanted := range r.categories {
		if strings.EqualFold(category, wanted) {
			return true
		}
	}
	return false
}

// unpacker takes hub events apart. What AKS sends looks like this, one audit event in the
// string "log", often with a newline at its end:
//
//	{"records":[{"category":"kube-audit","properties":{"log":"{\"kind\":\"Event\",…}\n",…},…},…]}
//
// Other Azure services send a bare array of records or a single one, and "log" or "properties"
// may be an object or the same in a string; all of it is taken. The parsers' memory is used
// again for the next event, so an unpacker must not be used by two goroutines at once.
type Unpacker struct {
	Rules
	Clusters clusterTags

	fastPathBuffers

	body       fastjson.Parser
	properties fastjson.Parser
	log        fastjson.Parser
}

// keptSize is the largest body, in bytes, whose memory in the parsers is kept for the next: a
// usual AKS event has 33 KB, and each partition has parsers of its own.
const keptSize = 256 << 10

var utf8BOM = []byte("\xef\xbb\xbf")

// unpack returns the records of a hub event's body in their order. It uses the body for them: nobody
// may write to it afterwards, nor rely on what it holds. An empty body has none.
func (u *Unpacker) unpack(body []byte) []Record {
	if len(body) > keptSize {
		defer func() { *u = Unpacker{Rules: u.Rules, Clusters: u.Clusters} }()
	}
	if records, ok := u.fastPath(body); ok {
		return records
	}
	return u.parse(body)
}

// parse does so by the parser, which takes all that Falco's takes, and of which the records are
// copies.
func (u *Unpacker) parse(body []byte) []Record {
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(body, utf8BOM))
	if len(trimmed) == 0 {
		return []Record{{Verdict: audit.Skipped}}
	}
	parsed, err := u.body.ParseBytes(trimmed)
	if err != nil {
		return []Record{deadRecord(audit.ReasonNotJSON, "", body)}
	}
	var records []Record
	for _, value := range recordValues(parsed) {
		records = append(records, u.unpackRecord(value))
	}
	return records
}

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

func (u *Unpacker) unpackRecord(value *fastjson.Value) Record {
	if value.Type() != fastjson.TypeObject {
		return deadRecord(audit.ReasonNotAnAuditEvent, "", value.MarshalTo(nil))
	}
	category := string(value.GetStringBytes("category"))
	if category != "" && !u.carriesAudit(category) {
		return Record{Verdict: audit.Skipped, Category: category}
	}
	log := u.logOf(value)
	if log == nil {
		return unusable(audit.ReasonNoLog, category, value.MarshalTo(nil))
	}
	event, reason := u.auditEvent(log, string(value.GetStringBytes("time")), u.noteOf(value))
	if reason != "" {
		return unusable(reason, category, log)
	}
	event.Category = category
	return event
}

// noteOf returns the cluster's name for a record, if it is wanted and known.
func (u *Unpacker) noteOf(value *fastjson.Value) clusterTag {
	if !u.clusterName {
		return clusterTag{}
	}
	return u.Clusters.of(value.GetStringBytes("resourceId"))
}

// auditEvent makes of a log the audit event that the sink is given, or says why it cannot.
func (u *Unpacker) auditEvent(log []byte, recordTime string, note clusterTag) (Record, string) {
	event := note.addTo(log)
	auditID, reason := u.CheckAudit(event)
	if reason == "" {
		return Record{Content: event, AuditID: auditID}, ""
	}
	mended, reason := u.repairOrTruncate(log, reason, recordTime, note)
	if reason == audit.ReasonTooLarge && note != (clusterTag{}) {
		// Better without a name than not at all.
		return u.auditEvent(log, recordTime, clusterTag{})
	}
	return mended, reason
}

// unusable is a record without an audit event for Falco in it. One of an audit category is
// evidence, if broken, and is kept; one that names no category is somebody else's, unless it is an
// audit event with nothing wrong but its size.
func unusable(reason, category string, content []byte) Record {
	if category == "" && reason != audit.ReasonTooLarge {
		return Record{Verdict: audit.Skipped}
	}
	return deadRecord(reason, category, content)
}

func deadRecord(reason, category string, content []byte) Record {
	return Record{Verdict: audit.DeadLettered, Reason: reason, Category: category, Content: bytes.Clone(content)}
}

// logOf returns a copy of properties.log without white space around it, nil where there is none.
func (u *Unpacker) logOf(value *fastjson.Value) []byte {
	properties := value.Get("properties")
	if properties != nil && properties.Type() == fastjson.TypeString {
		properties, _ = u.properties.ParseBytes(properties.GetStringBytes())
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
