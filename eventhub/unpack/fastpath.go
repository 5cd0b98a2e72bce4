package unpack

import (
	"slices"
	"time"

	"aks-audit-log-go/eventhub/unpack/inplace"
	"aks-audit-log-go/forwarder/audit"
)

// quickMemory is what the quick way uses again for the next hub event.
type fastPathBuffers struct {
	// spare is the body as it came.
	spare []byte
	// usual is how many records there were.
	usual int
	// ids are the audit ids by record, joined all of them in a row.
	ids    [][]byte
	joined []byte
	// category is the name of the last one, carries whether it carries audit events, and second what
	// its time began with.
	category, second string
	carries          bool
}

// quick takes a hub event apart as it usually is, in a fraction of the time that the parser takes,
// and without copies: the audit events are parts of the body, in which the escapes of "log" have
// been undone. Whatever is unusual, in any of the records, it leaves to the parser, with the body as
// it was.
func (u *Unpacker) fastPath(body []byte) (records []Record, ok bool) {
	u.spare, u.ids = append(u.spare[:0], body...), u.ids[:0]
	scan := envelopeReader{BodyScan: inplace.BodyScan{Text: body}, Unpacker: u, records: make([]Record, 0, u.usual)}
	if !scan.readBody() {
		copy(body, u.spare)
		return nil, false
	}
	u.usual = len(scan.records)
	u.nameIDs(scan.records)
	return scan.records, true
}

// nameIDs gives the records their audit ids: parts of one string, which is one allocation.
func (u *Unpacker) nameIDs(records []Record) {
	u.joined = u.joined[:0]
	for _, id := range u.ids {
		u.joined = append(u.joined, id...)
	}
	rest := string(u.joined)
	for i, id := range u.ids {
		records[i].AuditID, rest = rest[:len(id)], rest[len(id):]
	}
}

// nameOf returns a category as a string, without making one where it is that of the last record, and
// whether it carries audit events.
func (u *Unpacker) nameOf(category []byte) (name string, carries bool) {
	if string(category) != u.category {
		u.category = string(category)
		u.carries = u.carriesAudit(u.category)
	}
	return u.category, u.carries
}

// quickScan is the reading of one body.
type envelopeReader struct {
	inplace.BodyScan
	*Unpacker
	records []Record
}

// readBody reads an object with an array "records" and nothing behind it.
func (s *envelopeReader) readBody() bool {
	seen := false
	return s.Members(func(key []byte) bool {
		if key == nil || seen && string(key) == "records" {
			return false
		}
		if string(key) != "records" {
			return s.Skip(1)
		}
		seen = true
		return s.Elements(s.readRecord)
	}) && seen && s.Token() == inplace.Unknown && s.At == len(s.Text)
}

// quickRecord is what is read of a record.
type envelopeRecord struct {
	category                   []byte
	hasCategory, hasProperties bool
	// log is where the content of its log starts, 0 while it has none.
	log   int
	event []byte
	found inplace.AuditFields
	// resource is its resourceId, where the cluster's name is wanted.
	resource []byte
}

func (s *envelopeReader) readRecord() bool {
	var r envelopeRecord
	whole := s.Members(func(key []byte) bool {
		switch string(key) {
		case "category":
			return s.readCategory(&r)
		case "properties":
			return s.readProperties(&r)
		case "resourceId":
			return s.readResource(&r)
		default:
			return key != nil && s.Skip(3)
		}
	})
	if !whole {
		return false
	}
	category, carries := s.nameOf(r.category)
	if category != "" && !carries {
		s.add(Record{Verdict: audit.Skipped, Category: category}, nil)
		return true
	}
	if r.event == nil && !s.readLog(&r) || !s.usable(&r) || s.clusterName && !s.nameCluster(&r) {
		return false
	}
	s.add(Record{Category: category, Content: slices.Clip(r.event)}, r.found.AuditID)
	return true
}

func (s *envelopeReader) add(r Record, auditID []byte) {
	s.records, s.ids = append(s.records, r), append(s.ids, auditID)
}

func (s *envelopeReader) readCategory(r *envelopeRecord) (ok bool) {
	if r.hasCategory || s.Token() != '"' {
		return false
	}
	r.hasCategory = true
	r.category, ok = s.Str()
	return ok && r.category != nil
}

func (s *envelopeReader) readResource(r *envelopeRecord) (ok bool) {
	if !s.clusterName {
		return s.Skip(3)
	}
	if r.resource != nil || s.Token() != '"' {
		return false
	}
	r.resource, ok = s.Str()
	return ok && r.resource != nil
}

// nameCluster adds the cluster's name to the event.
func (s *envelopeReader) nameCluster(r *envelopeRecord) (ok bool) {
	note := s.Clusters.of(r.resource)
	if note == (clusterTag{}) {
		return true
	}
	r.event, ok = note.insertFast(r.event, r.found.Annotations)
	return ok && len(r.event) <= s.MaxEventSize
}

// readProperties reads the log on its way if it is known by then to be an audit event.
func (s *envelopeReader) readProperties(r *envelopeRecord) bool {
	if r.hasProperties {
		return false
	}
	r.hasProperties = true
	return s.Members(func(key []byte) bool {
		if string(key) != "log" {
			return key != nil && s.Skip(4)
		}
		if r.log > 0 || s.Token() != '"' {
			return false
		}
		r.log = s.At + 1
		if r.hasCategory {
			if _, carries := s.nameOf(r.category); carries {
				return s.readLog(r)
			}
		}
		_, ok := s.Str()
		return ok
	})
}

// readLog reads the audit event of a record.
func (s *envelopeReader) readLog(r *envelopeRecord) (ok bool) {
	if r.log == 0 {
		return false
	}
	var end int
	r.event, r.found, end, ok = inplace.ScanLog(s.Text, r.log)
	s.At = max(s.At, end+1)
	return ok
}

// usable says whether Falco takes the event, of which checkAudit knows more.
func (s *envelopeReader) usable(r *envelopeRecord) bool {
	return string(r.found.Kind) == "Event" && len(r.event) <= s.MaxEventSize && s.soundTime(r.found.StageTimestamp)
}

// soundTime says whether a text is a time. Most of those of a hub event are of the same second or
// two, as in 2026-01-31T12:00:00.123456Z.
func (u *Unpacker) soundTime(text []byte) bool {
	const behindPoint = len("2006-01-02T15:04:05.")
	if len(text) > behindPoint+1 && string(text[:behindPoint]) == u.second {
		last := len(text) - 1
		if text[last] == 'Z' && inplace.Digits(text[behindPoint:last]) == last-behindPoint {
			return true
		}
	}
	var t time.Time
	if t.UnmarshalText(text) != nil {
		return false
	}
	if len(text) > behindPoint && text[behindPoint-1] == '.' {
		u.second = string(text[:behindPoint])
	}
	return true
}
