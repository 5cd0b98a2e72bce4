// Package cluster names the cluster of a record, and adds the name to its audit event.
//
// Many clusters may share one hub, and an alert has to name its cluster. Falco's k8saudit plugin reads the field
// ka.cluster.name from the audit event's annotation cluster_name (the plugin's extract.go). AKS does not set the
// annotation. With CLUSTERNAME=on, this package sets it from the record's resourceId, which Azure writes in capitals:
//
//	/SUBSCRIPTIONS/…/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/MY-CLUSTER
//
// becomes "annotations":{…,"cluster_name":"my-cluster"}. All other bytes stay. An event that already has a
// cluster_name keeps it, because the API server was configured to set it.
package cluster

import (
	"slices"
	"strings"
)

// Cluster is the cluster of a record.
type Cluster struct {
	resourceID string
	// Name is the name of the cluster, "" if the resourceId has none.
	Name string
	// Tag adds the name to an audit event.
	Tag Tag
}

// newCluster returns the cluster of a resourceId.
func newCluster(resourceID string) *Cluster {
	c := &Cluster{resourceID: resourceID, Name: nameOf(resourceID)}
	if c.Name != "" {
		c.Tag = newTag(c.Name)
	}
	return c
}

// maxResourceID is the size of the largest resourceId that is remembered, in bytes. Azure's are far smaller.
const maxResourceID = 2 << 10

// Names finds the clusters of records. It allocates nothing for a record of a cluster that it knows.
type Names struct {
	// last is the cluster of the last record. Most records come from the same cluster as the record before.
	last *Cluster
	// known holds the clusters by their resourceIds, at most maxClusters.
	known map[string]*Cluster
	// Missed is true if Tag was called for a record that names no cluster.
	Missed bool
}

// NewNames returns Names that know no cluster yet.
func NewNames() *Names {
	return &Names{last: &Cluster{}, known: map[string]*Cluster{}}
}

// Of returns the cluster of a record's resourceId.
func (c *Names) Of(resourceID []byte) *Cluster {
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

// Tag returns the tag for a record's resourceId.
func (c *Names) Tag(resourceID []byte) Tag {
	found := c.Of(resourceID)
	if found.Name == "" {
		c.Missed = true
	}
	return found.Tag
}

// clusterTypes are the resource types of clusters, in lower case: those of AKS, Azure Arc, Fleet Manager and Azure
// Red Hat OpenShift. Azure Arc's provisionedClusters and extensions are children of the connected cluster.
var clusterTypes = []string{"managedclusters", "connectedclusters", "fleets", "openshiftclusters", "provisionedclusters"}

// nameOf returns the cluster's name in a resourceId, in lower case. The resourceId may be of a child of the cluster.
// If it has no cluster type, the name is its last part. nameOf returns "" if that cannot be a cluster's name: names
// consist of letters, digits, dashes and underscores.
func nameOf(resourceID string) string {
	name := clusterPart(resourceID)
	for _, c := range []byte(name) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return ""
		}
	}
	return strings.ToLower(name)
}

// clusterPart returns the part after the first cluster type. It looks for types only after "providers" and a
// namespace, so that it does not take a resource group for a type of the same name.
func clusterPart(resourceID string) string {
	parts := strings.Split(resourceID, "/")
	for i := 2; i+1 < len(parts); i++ {
		if strings.EqualFold(parts[i-2], "providers") && slices.Contains(clusterTypes, strings.ToLower(parts[i])) {
			return parts[i+1]
		}
	}
	return parts[len(parts)-1]
}
