package cluster

import "strings"

// maxClusters bounds the memory of clusters, should another sender invent names.
const maxClusters = 500

// The two log categories of audit events. kube-audit has everything that kube-audit-admin has.
const (
	categoryAudit      = "kube-audit"
	categoryAuditAdmin = "kube-audit-admin"
)

// Both finds a cluster that sends kube-audit and kube-audit-admin: each change comes twice then. It stops
// looking once it has found one.
type Both struct {
	// looking is whether records of both categories are audit events for the sink, and no such cluster was found yet.
	looking bool
	// last is the first record of the cluster of the last record, and lastCategory the category of the last record.
	// Most records differ from the one before in neither.
	last         clusterRecord
	lastCategory string
	// first holds the first record of each cluster by its resourceId, at most maxClusters.
	first map[string]clusterRecord
	// Found is the name of the cluster that was found, "" if there is none.
	Found string
}

// clusterRecord is what is remembered of a record.
type clusterRecord struct{ resourceID, category string }

// NewBoth returns a Both. carriesAudit reports whether records of a category are audit events for the sink.
func NewBoth(carriesAudit func(category string) bool) *Both {
	return &Both{
		looking: carriesAudit(categoryAudit) && carriesAudit(categoryAuditAdmin),
		first:   map[string]clusterRecord{},
	}
}

// Note notes a record. Only one that names a cluster and one of the two categories tells something.
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
