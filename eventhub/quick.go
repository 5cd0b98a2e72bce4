package eventhub

import (
	"slices"
	"time"

	"aks-audit-log-go/forwarder"
)

// quickMemory is what the quick way uses again for the next hub event.
type quickMemory struct {
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
func (u *unpacker) quick(body []byte) (records []record, ok bool) {
	u.spare, u.ids = append(u.spare[:0], body...), u.ids[:0]
	scan := quickScan{bodyScan: bodyScan{text: body}, unpacker: u, records: make([]record, 0, u.usual)}
	if !scan.readBody() {
		copy(body, u.spare)
		return nil, false
	}
	u.usual = len(scan.records)
	u.nameIDs(scan.records)
	return scan.records, true
}

// nameIDs gives the records their audit ids: parts of one string, which is one allocation.
func (u *unpacker) nameIDs(records []record) {
	u.joined = u.joined[:0]
	for _, id := range u.ids {
		u.joined = append(u.joined, id...)
	}
	rest := string(u.joined)
	for i, id := range u.ids {
		records[i].auditID, rest = rest[:len(id)], rest[len(id):]
	}
}

// nameOf returns a category as a string, without making one where it is that of the last record, and
// whether it carries audit events.
func (u *unpacker) nameOf(category []byte) (name string, carries bool) {
	if string(category) != u.category {
		u.category = string(category)
		u.carries = u.carriesAudit(u.category)
	}
	return u.category, u.carries
}

// quickScan is the reading of one body.
type quickScan struct {
	bodyScan
	*unpacker
	records []record
}

// readBody reads an object with an array "records" and nothing behind it.
func (s *quickScan) readBody() bool {
	seen := false
	return s.members(func(key []byte) bool {
		if key == nil || seen && string(key) == "records" {
			return false
		}
		if string(key) != "records" {
			return s.skip(1)
		}
		seen = true
		return s.elements(s.readRecord)
	}) && seen && s.token() == unknown && s.at == len(s.text)
}

// quickRecord is what is read of a record.
type quickRecord struct {
	category                   []byte
	hasCategory, hasProperties bool
	// log is where the content of its log starts, 0 while it has none.
	log   int
	event []byte
	found auditFields
	// resource is its resourceId, where the cluster's name is wanted.
	resource []byte
}

func (s *quickScan) readRecord() bool {
	var r quickRecord
	whole := s.members(func(key []byte) bool {
		switch string(key) {
		case "category":
			return s.readCategory(&r)
		case "properties":
			return s.readProperties(&r)
		case "resourceId":
			return s.readResource(&r)
		default:
			return key != nil && s.skip(3)
		}
	})
	if !whole {
		return false
	}
	category, carries := s.nameOf(r.category)
	if category != "" && !carries {
		s.add(record{verdict: forwarder.Skipped, category: category}, nil)
		return true
	}
	if r.event == nil && !s.readLog(&r) || !s.usable(&r) || s.clusterName && !s.nameCluster(&r) {
		return false
	}
	s.add(record{category: category, content: slices.Clip(r.event)}, r.found.auditID)
	return true
}

func (s *quickScan) add(r record, auditID []byte) {
	s.records, s.ids = append(s.records, r), append(s.ids, auditID)
}

func (s *quickScan) readCategory(r *quickRecord) (ok bool) {
	if r.hasCategory || s.token() != '"' {
		return false
	}
	r.hasCategory = true
	r.category, ok = s.str()
	return ok && r.category != nil
}

func (s *quickScan) readResource(r *quickRecord) (ok bool) {
	if !s.clusterName {
		return s.skip(3)
	}
	if r.resource != nil || s.token() != '"' {
		return false
	}
	r.resource, ok = s.str()
	return ok && r.resource != nil
}

// nameCluster adds the cluster's name to the event.
func (s *quickScan) nameCluster(r *quickRecord) (ok bool) {
	note := s.clusters.of(r.resource)
	if note == (clusterNote{}) {
		return true
	}
	r.event, ok = note.quickly(r.event, r.found.annotations)
	return ok && len(r.event) <= s.maxEventSize
}

// readProperties reads the log on its way if it is known by then to be an audit event.
func (s *quickScan) readProperties(r *quickRecord) bool {
	if r.hasProperties {
		return false
	}
	r.hasProperties = true
	return s.members(func(key []byte) bool {
		if string(key) != "log" {
			return key != nil && s.skip(4)
		}
		if r.log > 0 || s.token() != '"' {
			return false
		}
		r.log = s.at + 1
		if r.hasCategory {
			if _, carries := s.nameOf(r.category); carries {
				return s.readLog(r)
			}
		}
		_, ok := s.str()
		return ok
	})
}

// readLog reads the audit event of a record.
func (s *quickScan) readLog(r *quickRecord) (ok bool) {
	if r.log == 0 {
		return false
	}
	var end int
	r.event, r.found, end, ok = scanLog(s.text, r.log)
	s.at = max(s.at, end+1)
	return ok
}

// usable says whether Falco takes the event, of which checkAudit knows more.
func (s *quickScan) usable(r *quickRecord) bool {
	return string(r.found.kind) == "Event" && len(r.event) <= s.maxEventSize && s.soundTime(r.found.stageTimestamp)
}

// soundTime says whether a text is a time. Most of those of a hub event are of the same second or
// two, as in 2026-01-31T12:00:00.123456Z.
func (u *unpacker) soundTime(text []byte) bool {
	const behindPoint = len("2006-01-02T15:04:05.")
	if len(text) > behindPoint+1 && string(text[:behindPoint]) == u.second {
		last := len(text) - 1
		if text[last] == 'Z' && digits(text[behindPoint:last]) == last-behindPoint {
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
