package cluster

import (
	"bytes"
	"slices"

	"aks-audit-log-go/eventhub/unpack/inplace"
	"aks-audit-log-go/eventhub/unpack/jsonscan"
)

// annotationKey is the key of the annotation that Falco's plugin reads.
const annotationKey = "cluster_name"

// Tag is the annotation cluster_name, ready to be written into an event. The zero value adds nothing.
type Tag struct {
	// value is the quoted name.
	value string
	// annotation is the annotation as a member. next is a comma and the annotation. member is a comma and the event's
	// member "annotations" that holds the annotation.
	annotation, next, member string
}

// newTag returns the tag for a name. The name must need no escape.
func newTag(name string) Tag {
	value := `"` + name + `"`
	annotation := `"` + annotationKey + `":` + value
	return Tag{value: value, annotation: annotation, next: "," + annotation, member: `,"annotations":{` + annotation + "}"}
}

// InsertInto adds the tag to a usual audit event. It uses the event's capacity if that is enough: undone escapes
// usually leave more room than a name takes. It returns false if the event may have a cluster_name, or is unusual in
// another way.
func (c Tag) InsertInto(event inplace.AuditEvent) ([]byte, bool) {
	at := event.Annotations
	if at == (inplace.Span{}) {
		return insert(event.JSON, len(event.JSON)-1, c.member), true
	}
	value, rest := bytes.TrimLeft(event.JSON[at.From:at.To], " \t\r\n"), event.JSON[at.To:]
	// A \u may stand for a letter of the key. An auditID after the annotations would move, but its place is already
	// known.
	unusual := value[0] != '{' || bytes.Contains(value, []byte(annotationKey)) || bytes.Contains(value, []byte(`\u`)) ||
		bytes.Contains(rest, []byte("auditID"))
	if unusual {
		return nil, false
	}
	text := c.next
	if len(bytes.TrimSpace(value[1:len(value)-1])) == 0 {
		text = c.annotation
	}
	return insert(event.JSON, at.To-1, text), true
}

// insert inserts a text into an event. It uses the event's capacity if that is enough.
func insert(event []byte, at int, text string) []byte {
	if cap(event)-len(event) < len(text) {
		return slices.Concat(event[:at], []byte(text), event[at:])
	}
	longer := event[:len(event)+len(text)]
	copy(longer[at+len(text):], event[at:])
	copy(longer[at:], text)
	return longer
}

// AddTo returns a copy of the audit event with the tag. If the event is not whole, has a cluster_name, or has
// annotations that are not an object, it returns the event itself.
func (c Tag) AddTo(event []byte) []byte {
	if c == (Tag{}) {
		return event
	}
	object, err := jsonscan.ScanObject(event)
	if err != nil {
		return event
	}
	value := object.ValueOf("annotations")
	if value == nil || string(value) == "null" {
		object.Set("annotations", "{"+c.annotation+"}")
		return object.Text()
	}
	annotations, err := jsonscan.ScanObject(value)
	if err != nil || annotations.Has(annotationKey) {
		return event
	}
	annotations.Set(annotationKey, c.value)
	object.Set("annotations", string(annotations.Text()))
	return object.Text()
}
