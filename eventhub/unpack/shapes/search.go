package shapes

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/valyala/fastjson"

	"aks-audit-log-go/eventhub/unpack/jsonscan"
)

// Kind is the kind of a finding.
type Kind int

const (
	// Record is an object that names a category or has properties.log, like the records of AKS.
	Record Kind = iota
	// Event is an audit event. It may be cut.
	Event
	// Doubtful is an object that claims to be an audit event, but has no auditID or no stage.
	Doubtful
	// Row is a row of a Log Analytics table of audit events.
	Row
)

// Finding is an object that was found in a value.
type Finding struct {
	Kind Kind
	// Text is a part of the value, or of one of its strings without the escapes.
	Text []byte
}

const (
	// maxLevel is how many levels of members the search goes down. The count starts again in each string.
	maxLevel = 3
	// maxStrings is how many levels of strings the search goes down.
	maxStrings = 3
)

// Find returns the audit events and records in a value, in their order. The value may be one itself. Otherwise Find
// looks at most three members down, and also into strings that hold one JSON value.
func Find(value []byte) []Finding {
	s := search{}
	s.value(value, 0, 0)
	return s.found
}

// FindInside is Find for a record that names a category of audit events and has no log.
func FindInside(record []byte) []Finding {
	s := search{}
	switch seen := look(record); {
	case seen.isAuditEvent():
		s.found = append(s.found, Finding{seen.eventKind(), record})
	case !seen.closed:
		s.members(record, 0, 0)
	}
	return s.found
}

type search struct{ found []Finding }

// value searches a value. level and depth are how many members and strings are around it.
func (s *search) value(text []byte, level, depth int) {
	if len(text) == 0 {
		return
	}
	switch text[0] {
	case '{':
		s.object(text, level, depth)
	case '[':
		for element := range elements(text) {
			below := level
			if element[0] == '[' {
				below++
			}
			if below <= maxLevel {
				s.value(element, below, depth)
			}
		}
	case '"':
		if depth < maxStrings && mayHoldJSON(text) {
			s.content(Trim([]byte(unquote(text))), depth+1)
		}
	}
}

// content searches the content of a string. It finds nothing if there is text around the value, as in a log line: an
// author of a part of the line must not be able to forge an audit event.
func (s *search) content(text []byte, depth int) {
	if !HoldsJSON(text) {
		return
	}
	switch valueEnd(text, 0) {
	case len(text):
		s.value(text, 0, depth)
	case -1:
		if text[0] == '{' && isCut(text) && look(text).isAuditEvent() {
			s.found = append(s.found, Finding{Event, text})
		}
	}
}

func (s *search) object(text []byte, level, depth int) {
	switch seen := look(text); {
	case seen.container:
	case seen.category != "" || seen.hasLog:
		s.found = append(s.found, Finding{Record, text})
	case seen.isAuditEvent():
		s.found = append(s.found, Finding{seen.eventKind(), text})
	case seen.isEventList():
		s.items(text)
	case seen.isAuditRow():
		s.found = append(s.found, Finding{Row, text})
	case !seen.closed && level < maxLevel:
		s.members(text, level, depth)
	}
}

func (s *search) members(object []byte, level, depth int) {
	for _, value := range members(object) {
		s.value(value, level+1, depth)
	}
}

// items adds the items of an EventList.
func (s *search) items(list []byte) {
	items := Member(list, "items")
	if len(items) == 0 || items[0] != '[' {
		return
	}
	apiVersion := Member(list, "apiVersion")
	for item := range elements(items) {
		item = named(item, apiVersion)
		if seen := look(item); seen.isAuditEvent() {
			s.found = append(s.found, Finding{seen.eventKind(), item})
		}
	}
}

// named returns an item of an EventList with kind and apiVersion. The API server may omit them, because the list
// determines them.
func named(item, apiVersion []byte) []byte {
	if item[0] != '{' {
		return item
	}
	if seen := look(item); seen.kind != "" || seen.apiVersion != "" || !seen.auditID {
		return item
	}
	return slices.Concat([]byte(`{"kind":"Event","apiVersion":`), apiVersion, []byte(","), item[1:])
}

// mayHoldJSON reports whether a string begins like a JSON object, array or string.
func mayHoldJSON(quoted []byte) bool {
	content := bytes.TrimLeft(quoted[1:], space)
	return len(content) > 0 && (content[0] == '{' || content[0] == '[' || content[0] == '\\')
}

// HoldsJSON reports whether the content of a string begins like a JSON object, array or string.
func HoldsJSON(content []byte) bool { return len(content) > 0 && opens(content[0]) }

func opens(c byte) bool { return c == '{' || c == '[' || c == '"' }

// isCut reports whether the text of an object is valid JSON so far, but ends too early.
func isCut(text []byte) bool {
	_, err := jsonscan.ScanObject(text)
	return errors.Is(err, jsonscan.ErrCut)
}

// sight holds what the members of an object show about it.
type sight struct {
	kind, apiVersion, category, table string
	auditID, stage                    bool
	// hasLog is true if the object has properties.log.
	hasLog bool
	// container is true if the object says that it is the output of a container.
	container bool
	// closed is true if the search must not look inside, because others than the sender write the object's content.
	closed bool
}

// audited are members that only audit events have, and the table columns that hold these members.
var audited = []string{
	"auditID", "requestURI", "objectRef", "requestObject", "responseObject",
	"AuditId", "RequestUri", "ObjectRef", "RequestObject", "ResponseObject",
}

// ofKubernetes are members that only Kubernetes objects have. They reveal an object that does not state its kind.
var ofKubernetes = []string{"spec", "involvedObject", "regarding"}

// container are members that collectors add to the output of containers. OpenShift adds log_type: audit for audit
// events, application or infrastructure for containers.
var container = []string{"kubernetes", "docker", "container", "container_id", "container_name", "stream"}

// IsOfContainer reports whether a record says that it is the output of a container. The container's owner controls
// that output, and some collectors turn it into members of the record, even a category.
func IsOfContainer(record *fastjson.Value) bool {
	for _, key := range container {
		if record.Exists(key) {
			return true
		}
	}
	return record.Exists("log_type") && string(record.GetStringBytes("log_type")) != "audit"
}

// telling are all members that look reads.
var telling = func() map[string]bool {
	keys := map[string]bool{}
	for _, key := range slices.Concat(audited, ofKubernetes, container, []string{
		"kind", "apiVersion", "category", "Type", "TimeGenerated", "_ResourceId", "stage", "properties", "log_type",
	}) {
		keys[key] = true
	}
	return keys
}()

// look reads the members of an object once. Of several members with the same key, it uses the first, as Falco's
// parser does.
func look(object []byte) *sight {
	values := map[string][]byte{}
	for key, value := range members(object) {
		if telling[key] && values[key] == nil {
			values[key] = value
		}
	}
	has := func(keys ...string) bool {
		return slices.ContainsFunc(keys, func(key string) bool { return values[key] != nil })
	}
	text := func(key string) string { return unquote(values[key]) }
	s := &sight{
		kind: text("kind"), apiVersion: text("apiVersion"), category: text("category"), table: text("Type"),
		auditID: text("auditID") != "", stage: text("stage") != "", hasLog: hasLog(values["properties"]),
	}
	s.container = has(container...) || values["log_type"] != nil && text("log_type") != "audit"
	row := has("Type") && has("TimeGenerated", "_ResourceId")
	s.closed = s.container || row || s.kind != "" && s.apiVersion != "" || has(audited...) || has(ofKubernetes...)
	return s
}

// hasLog reports whether the properties of a record have a log. Some services write the properties as a string.
func hasLog(properties []byte) bool {
	if len(properties) > 0 && properties[0] == '"' && mayHoldJSON(properties) {
		properties = Trim([]byte(unquote(properties)))
	}
	return Member(properties, "log") != nil
}

// group is the API group of audit events, with a slash.
const group = "audit.k8s.io/"

func (s *sight) isAuditEvent() bool {
	return s.kind == "Event" && strings.HasPrefix(s.apiVersion, group)
}

func (s *sight) isEventList() bool {
	return s.kind == "EventList" && strings.HasPrefix(s.apiVersion, group)
}

// eventKind returns the kind of an object that claims to be an audit event: Event or Doubtful.
func (s *sight) eventKind() Kind {
	if s.auditID && s.stage {
		return Event
	}
	return Doubtful
}
