package unpack

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aks-audit-log-go/internal/eventhubtest"
)

// recordOf returns a record of a resource, with a log as AKS writes it.
func recordOf(resourceID, category, log string) string {
	return strings.Replace(eventhubtest.AuditRecord(category, log), "{", `{"resourceId":`+jsonString(resourceID)+`,`, 1)
}

// clustersOf returns the clusters of the records.
func clustersOf(records []Record) (names []string) {
	for _, record := range records {
		names = append(names, record.Cluster)
	}
	return names
}

func TestEachRecordOfAnAuditCategoryTellsItsCluster(t *testing.T) {
	log := eventhubtest.Audit("a")
	usual := []string{
		recordOf("/S/MANAGEDCLUSTERS/PROD-EU", "kube-audit", log), recordOf("/S/MANAGEDCLUSTERS/PROD-US", "kube-audit-admin", log),
		recordOf("/S/MANAGEDCLUSTERS/PROD-EU", "guard", "klog"), recordOf("/S/MANAGEDCLUSTERS/ü", "kube-audit", log),
		eventhubtest.AuditRecord("kube-audit", log), recordOf("/S/MANAGEDCLUSTERS/PROD-EU", "kube-audit", log),
	}
	want := []string{"prod-eu", "prod-us", "", "", "", "prod-eu"}
	unusual := slices.Concat(usual, []string{
		recordOf("/S/MANAGEDCLUSTERS/CUT", "kube-audit", log[:len(log)-40]), recordOf("/S/MANAGEDCLUSTERS/BROKEN", "kube-audit", "klog"),
		recordOf("/S/MANAGEDCLUSTERS/LOST", "", "klog"),
	})
	for _, clusterName := range []bool{false, true} {
		u := newUnpacker(rules{maxEventSize: eventhubtest.MaxEventSize, categories: eventhubtest.BothCategories, clusterName: clusterName})
		records, ok := u.fastPath.read(eventhubtest.HubBody(usual...))
		require.True(t, ok)
		assert.Equal(t, want, clustersOf(records))
		assert.Equal(t, append(slices.Clone(want), "cut", "broken", ""), clustersOf(u.unpackBody(eventhubtest.HubBody(unusual...))))
		assert.Equal(t, clusterName, u.MissedCluster())
	}
}
