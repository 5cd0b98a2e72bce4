package audit

// The label values of aks_audit_log_skipped_records_total that are not log categories of AKS.
const (
	// CategoryNone counts a skipped record that names no category.
	CategoryNone = "none"
	// CategoryOther counts a skipped record whose category SkippedCategories does not list, so that the number of label
	// values does not grow with what other services write into the hub.
	CategoryOther = "other"
)

// SkippedCategories returns the label values of aks_audit_log_skipped_records_total: the log categories of AKS
// (https://learn.microsoft.com/azure/azure-monitor/reference/supported-logs/microsoft-containerservice-managedclusters-logs),
// CategoryNone and CategoryOther.
func SkippedCategories() []string {
	return []string{
		"kube-apiserver", "kube-audit", "kube-audit-admin", "kube-controller-manager", "kube-scheduler",
		"cluster-autoscaler", "cloud-controller-manager", "guard", "csi-azuredisk-controller",
		"csi-azurefile-controller", "csi-snapshot-controller", CategoryNone, CategoryOther,
	}
}

// BothCategoriesAdvice is said of a cluster whose diagnostic setting sends both audit categories.
const BothCategoriesAdvice = "the cluster sends kube-audit and kube-audit-admin: each change is paid for and alerted twice; " +
	"leave one of the two out of the diagnostic setting (CATEGORIES=kube-audit ends the second alert, not the cost)"
