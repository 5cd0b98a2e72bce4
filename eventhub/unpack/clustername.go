package unpack

import (
	"bytes"
	"slices"
	"strings"

	"aks-audit-log-go/eventhub/unpack/inplace"
	"aks-audit-log-go/eventhub/unpack/jsonscan"
)

// Many clusters may share one hub, and an alert has to say which one it is about. Falco's k8saudit
// plugin offers it as ka.cluster.name, which is the audit event's annotation cluster_name (its
// extract.go); no tool of AKS sets that. CLUSTERNAME=on does, from the record's resourceId, which
// Azure writes in capitals:
//
//	/SUBSCRIPTIONS/…/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/MY-CLUSTER
//
// becomes "annotations":{…,"cluster_name":"my-cluster"}. All else stays byte for byte. An event that
// has a cluster_name keeps it: whoever set it, in the API server, knew better.

// clusterKey is the annotation's key.
const clusterKey = "cluster_name"

// clusterNote is the annotation as it is written into an event; the zero value is none.
type clusterTag struct {
	// inside goes behind other annotations, whole behind the event's other members.
	inside, whole string
}

// clusterNotes makes the notes. Records of the same cluster mostly follow each other.
type clusterTags struct {
	resource string
	note     clusterTag
	// missed is whether a record said of no cluster that it is of.
	Missed bool
}

// of returns the note for a record's resourceId.
func (n *clusterTags) of(resourceID []byte) clusterTag {
	if string(resourceID) != n.resource {
		n.resource, n.note = string(resourceID), clusterTag{}
		if name := clusterOf(n.resource); name != "" {
			member := `"` + clusterKey + `":"` + name + `"`
			n.note = clusterTag{inside: "," + member, whole: `,"annotations":{` + member + "}"}
		}
	}
	if n.note == (clusterTag{}) {
		n.Missed = true
	}
	return n.note
}

// clusterOf returns the last part of a resourceId in lower case, "" where it can be no cluster's name:
// those are of letters, digits, dashes and underscores.
func clusterOf(resourceID string) string {
	name := resourceID[strings.LastIndexByte(resourceID, '/')+1:]
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return ""
		}
	}
	return strings.ToLower(name)
}

// quickly adds the note to an audit event as it usually is, whose annotations are known to stand at a
// span that is empty where there are none. It uses the capacity of event where that is enough: the
// escapes of an event in its record leave more room than a name takes. It returns false, and the
// event as it was, where the event may have a cluster_name, or is unusual in another way.
func (n clusterTag) insertFast(event []byte, annotations inplace.Span) ([]byte, bool) {
	if annotations.To == 0 {
		return insert(event, len(event)-1, n.whole), true
	}
	value, rest := bytes.TrimLeft(event[annotations.From:annotations.To], " \t\r\n"), event[annotations.To:]
	// Where a key has one of its letters written as \u….
	unusual := value[0] != '{' || bytes.Contains(value, []byte(clusterKey)) || bytes.Contains(value, []byte(`\u`)) ||
		bytes.Contains(rest, []byte("auditID")) // which is known by where it stands
	if unusual {
		return event, false
	}
	inside := n.inside
	if len(bytes.TrimSpace(value[1:len(value)-1])) == 0 {
		inside = inside[1:]
	}
	return insert(event, annotations.To-1, inside), true
}

func insert(event []byte, at int, text string) []byte {
	if cap(event)-len(event) < len(text) {
		return slices.Concat(event[:at], []byte(text), event[at:])
	}
	grown := event[:len(event)+len(text)]
	copy(grown[at+len(text):], event[at:])
	copy(grown[at:], text)
	return grown
}

// addTo returns a copy of the audit event with the tag. It returns the event itself if the event is not whole, has a
// cluster_name, or has annotations that are not an object.
func (n clusterTag) addTo(event []byte) []byte {
	if n == (clusterTag{}) {
		return event
	}
	object, err := jsonscan.ScanObject(event)
	if err != nil {
		return event
	}
	value := object.ValueOf("annotations")
	if value == nil || string(value) == "null" {
		object.Set("annotations", "{"+n.inside[1:]+"}")
		return object.Text()
	}
	annotations, err := jsonscan.ScanObject(value)
	if err != nil || annotations.Has(clusterKey) {
		return event
	}
	_, text, _ := strings.Cut(n.inside, ":")
	annotations.Set(clusterKey, text)
	object.Set("annotations", string(annotations.Text()))
	return object.Text()
}
