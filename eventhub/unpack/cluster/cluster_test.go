package cluster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/internal/eventhubtest"
)

func TestAKnownClusterCostsNoAllocation(t *testing.T) {
	c := NewNames()
	ids := [][]byte{[]byte("/S/MANAGEDCLUSTERS/A"), []byte("/S/MANAGEDCLUSTERS/B")}
	allocations := testing.AllocsPerRun(100, func() {
		for _, id := range ids {
			c.Of(id)
		}
	})
	assert.Zero(t, allocations)
	assert.Equal(t, "b", c.Of(ids[1]).Name)
}

func TestInventedClustersTakeNoMoreMemoryThanAllowed(t *testing.T) {
	c := NewNames()
	assert.Equal(t, strings.Repeat("x", maxResourceID), c.Of([]byte("/"+strings.Repeat("x", maxResourceID))).Name)
	assert.Empty(t, c.known, "a resourceId that is larger than any of Azure")
	for i := range 2 * maxClusters {
		assert.Equal(t, fmt.Sprint("c", i), c.Of(fmt.Append(nil, "/c", i)).Name)
	}
	assert.Len(t, c.known, maxClusters)
	assert.Equal(t, "c0", c.Of([]byte("/c0")).Name)
}

func TestTheClusterIsTheLastPartOfAResourceIdOfNoKnownTypeInLowerCase(t *testing.T) {
	for resource, want := range map[string]string{
		eventhubtest.ResourceID: "my-cluster_1", "/a/b/Prod": "prod", "prod": "prod", "": "", "/": "", "/a/": "", `/a"b`: "", "/a b": "", `/a\b`: "", "/ü": "",
	} {
		assert.Equal(t, want, nameOf(resource), resource)
	}
}

func TestTheClusterIsTheResourceWhateverChildOfItTheRecordIsOf(t *testing.T) {
	const group = "/subscriptions/0/resourceGroups/RG/providers/"
	for resource, want := range map[string]string{
		"Microsoft.ContainerService/managedClusters/C1":                                                                            "c1",
		"Microsoft.ContainerService/managedClusters/C1/":                                                                           "c1",
		"Microsoft.ContainerService/managedClusters/C1/agentPools/np1":                                                             "c1",
		"MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/C1/AGENTPOOLS/NP1/":                                                            "c1",
		"Microsoft.ContainerService/managedClusters/":                                                                              "",
		"Microsoft.ContainerService/managedClusters":                                                                               "managedclusters",
		"Microsoft.ContainerService/fleets/F1/members/M1":                                                                          "f1",
		"Microsoft.RedHatOpenShift/openShiftClusters/O1":                                                                           "o1",
		"Microsoft.RedHatOpenShift/openShiftClusters/O1/syncSets/S":                                                                "o1",
		"Microsoft.Kubernetes/connectedClusters/A1":                                                                                "a1",
		"Microsoft.Kubernetes/connectedClusters/A1/providers/Microsoft.HybridContainerService/provisionedClusterInstances/default": "a1",
		"Microsoft.Kubernetes/connectedClusters/A1/providers/Microsoft.HybridContainerService/provisionedClusters/default":         "a1",
		"Microsoft.HybridContainerService/provisionedClusters/P1":                                                                  "p1",
		"Microsoft.HybridContainerService/provisionedClusters/P1/agentPools/np1":                                                   "p1",
	} {
		assert.Equal(t, want, nameOf(group+resource), resource)
	}
	assert.Equal(t, "c1", nameOf("/subscriptions/0/resourceGroups/managedClusters/providers/Microsoft.ContainerService/managedClusters/C1"))
	assert.Equal(t, "x", nameOf("/subscriptions/0/resourceGroups/fleets/x"))
}
