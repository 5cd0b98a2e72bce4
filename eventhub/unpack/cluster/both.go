package cluster

import "strings"

// maxClusters bounds how many clusters are remembered, in case another sender invents names.
const maxClusters = 500

// The two log categories of audit events. kube-audit has everything that kube-audit-admin has.
const (
	categoryAudit      = "kube-audit"
	categoryAuditAdmin = "kube-audit-admin"
)

// Both finds a cluster that sends both kube-audit and kube-audit-admin, so that each change comes twice. It stops
// looking when it has found one.
type Both struct {
	// looking is true if the sink gets the audit events of both categories and no such cluster has been found yet.
	looking bool
	// last is the first record of the last record's cluster, and lastCategory is the last record's category. Most
	// records have the same cluster and category as the record before.
	last         clusterRecord
	lastCategory string
	// first holds the first record of each cluster by resourceId, for at most maxClusters clusters.
	first map[string]clusterRecord
	// Found is the name of the cluster, "" if none has been found.
	Found string
}

// clusterRecord holds what Both remembers of a record.
type clusterRecord struct{ resourceID, category string }

// NewBoth returns a Both. carriesAudit reports whether records of a category are audit events for the sink.
func NewBoth(carriesAudit func(category string) bool) *Both {
	return &Both{
		looking: carriesAudit(categoryAudit) && carriesAudit(categoryAuditAdmin),
		first:   map[string]clusterRecord{},
	}
}

// Note takes a record into account if it names a cluster and one of the two categories.
func (b *Both) Note(resourceID []byte, category string) {
	if !b.looking || len(resourceID) == 0 || category == b.lastCategory && string(resourceID) == b.last.resourceID {
		return
	}
	if !strings.EqualFold(category, categoryAudit) && !strings.EqualFold(category, categoryAuditAdmin) {
		return
	}
	first, known := b.first[string(resourceID)]
	if !known {
		if len(b.first) >= maxClusters {
			return
		}
		first = clusterRecord{resourceID: string(resourceID), category: category}
		b.first[first.resourceID] = first
	}
	b.last, b.lastCategory = first, category
	if !strings.EqualFold(first.category, category) {
		*b = Both{Found: nameOf(first.resourceID)}
	}
}
