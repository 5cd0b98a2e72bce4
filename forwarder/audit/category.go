package audit

import ()

const CategoryNone = "none"

const CategoryOther = "other"

// categoryCopy stands in the same label for a copy of an audit event that came in another category.
const CategoryCopy = "copy"

// skippedCategories are the log categories of AKS
// (https://learn.microsoft.com/azure/azure-monitor/reference/supported-logs/microsoft-containerservice-managedclusters-logs).
func SkippedCategories() []string {
	return []string{
		"kube-apiserver", "kube-audit", "kube-audit-admin", "kube-controller-manager", "kube-scheduler",
		"cluster-autoscaler", "cloud-controller-manager", "guard", "csi-azuredisk-controller",
		"csi-azurefile-controller", "csi-snapshot-controller", CategoryNone, CategoryOther, CategoryCopy,
	}
}
