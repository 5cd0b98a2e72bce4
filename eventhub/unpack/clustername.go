package unpack

import (
	"bytes"
	"slices"
	"strings"

	"aks-audit-log-go/eventhub/unpack/inplace"
	"aks-audit-log-go/eventhub/unpack/jsonscan"
)

// Many clusters may share one hub, and an alert has to name its cluster. Falco's k8saudit plugin offers the name as
// ka.cluster.name, which is the audit event's annotation cluster_name (the plugin's extract.go). No tool of AKS sets
// the annotation. CLUSTERNAME=on sets it from the record's resourceId, which Azure writes in capitals:
//
//	/SUBSCRIPTIONS/…/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/MY-CLUSTER
//
// becomes "annotations":{…,"cluster_name":"my-cluster"}. All other bytes stay. An event that already has a
// cluster_name keeps it: the annotation was set on purpose, in the API server.

// clusterKey is the key of the annotation.
const clusterKey = "cluster_name"

// clusterTag is the annotation as it is written into an event. The zero value adds nothing.
type clusterTag struct {
	// value is the quoted name.
	value string
	// annotation is the annotation, next the same after a comma, and member the event's member "annotations" with it,
	// after a comma.
	annotation, next, member string
}

// newClusterTag returns the annotation with a name, which must need no escape.
func newClusterTag(name string) clusterTag {
	value := `"` + name + `"`
	annotation := `"` + clusterKey + `":` + value
	return clusterTag{value: value, annotation: annotation, next: "," + annotation, member: `,"annotations":{` + annotation + "}"}
}

// cluster is the cluster of a record.
type cluster struct {
	resourceID string
	// name is the name of the cluster, "" if the resourceId has none.
	name string
	// tag adds the name to an audit event.
	tag clusterTag
}

// newCluster returns the cluster of a resourceId.
func newCluster(resourceID string) *cluster {
	c := &cluster{resourceID: resourceID, name: clusterOf(resourceID)}
	if c.name != "" {
		c.tag = newClusterTag(c.name)
	}
	return c
}

// maxResourceID is the size of the largest resourceId that is remembered, in bytes. Those of Azure are far smaller.
const maxResourceID = 2 << 10

// clusterTags finds the clusters of records. It needs no memory for a record of a cluster that it knows.
type clusterTags struct {
	// last is the cluster of the last record, because most records are of the same cluster as the record before.
	last *cluster
	// known holds the clusters by their resourceIds, at most maxClusters.
	known map[string]*cluster
	// missed is whether a record did not tell its cluster although its tag was wanted.
	missed bool
}

func newClusterTags() *clusterTags {
	return &clusterTags{last: &cluster{}, known: map[string]*cluster{}}
}

// of returns the cluster of a record's resourceId.
func (c *clusterTags) of(resourceID []byte) *cluster {
	if string(resourceID) == c.last.resourceID {
		return c.last
	}
	found, known := c.known[string(resourceID)]
	if !known {
		found = newCluster(string(resourceID))
		if len(c.known) < maxClusters && len(resourceID) <= maxResourceID {
			c.known[found.resourceID] = found
		}
	}
	c.last = found
	return found
}

// tag returns the tag for a record's resourceId.
func (c *clusterTags) tag(resourceID []byte) clusterTag {
	found := c.of(resourceID)
	if found.name == "" {
		c.missed = true
	}
	return found.tag
}

// clusterTypes are the types of resources that are clusters, in lower case: those of AKS, of Azure Arc, whose
// provisionedClusters and extensions are children of the connected cluster, of Fleet Manager, and of Azure Red Hat
// OpenShift.
var clusterTypes = []string{"managedclusters", "connectedclusters", "fleets", "openshiftclusters", "provisionedclusters"}

// clusterOf returns the name of the cluster in a resourceId in lower case, whatever child of the cluster the resourceId
// is of. Where it has no type of a cluster, the name is its last part. It returns "" if that cannot be the name of a
// cluster: names consist of letters, digits, dashes and underscores.
func clusterOf(resourceID string) string {
	name := clusterPart(resourceID)
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return ""
		}
	}
	return strings.ToLower(name)
}

// clusterPart returns the part after the first type of a cluster. A type follows "providers" and a namespace, so that a
// resource group with the name of a type is not taken for one.
func clusterPart(resourceID string) string {
	parts := strings.Split(resourceID, "/")
	for i := 2; i+1 < len(parts); i++ {
		if strings.EqualFold(parts[i-2], "providers") && slices.Contains(clusterTypes, strings.ToLower(parts[i])) {
			return parts[i+1]
		}
	}
	return parts[len(parts)-1]
}

// insertInto adds the tag to a usual audit event, in the capacity of the event if that is enough: the escapes of an
// event in its record leave more room than a name takes. It returns false if the event may have a cluster_name, or is
// unusual in another way.
func (c clusterTag) insertInto(event inplace.AuditEvent) ([]byte, bool) {
	at := event.Annotations
	if at == (inplace.Span{}) {
		return insert(event.JSON, len(event.JSON)-1, c.member), true
	}
	value, rest := bytes.TrimLeft(event.JSON[at.From:at.To], " \t\r\n"), event.JSON[at.To:]
	// A \u may be a letter of the key. An auditID after the annotations would move: its place is known already.
	unusual := value[0] != '{' || bytes.Contains(value, []byte(clusterKey)) || bytes.Contains(value, []byte(`\u`)) ||
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

// insert inserts a text into an event, in the capacity of the event if that is enough.
func insert(event []byte, at int, text string) []byte {
	if cap(event)-len(event) < len(text) {
		return slices.Concat(event[:at], []byte(text), event[at:])
	}
	longer := event[:len(event)+len(text)]
	copy(longer[at+len(text):], event[at:])
	copy(longer[at:], text)
	return longer
}

// addTo returns a copy of the audit event with the tag. It returns the event itself if the event is not whole, has a
// cluster_name, or has annotations that are not an object.
func (c clusterTag) addTo(event []byte) []byte {
	if c == (clusterTag{}) {
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
	if err != nil || annotations.Has(clusterKey) {
		return event
	}
	annotations.Set(clusterKey, c.value)
	object.Set("annotations", string(annotations.Text()))
	return object.Text()
}
