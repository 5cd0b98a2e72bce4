package audit

const (
	// CategoryNone is the label of a skipped record that names no category.
	CategoryNone = "none"
	// CategoryOther is the label of a skipped record whose category is not listed here: the label must not grow with what
	// other services write into the hub.
	CategoryOther = "other"
)

// SkippedCategories returns the label values of aks_audit_log_skipped_records_total: the log categories of AKS
// (https://learn.microsoft.com/azure/azure-monitor/reference/supported-logs/microsoft-containerservice-managedclusters-logs),
// and the two constants.
func SkippedCategories() []string {
	return []string{
		"kube-apiserver", "kube-audit", "kube-audit-admin", "kube-controller-manager", "kube-scheduler",
		"cluster-autoscaler", "cloud-controller-manager", "guard", "csi-azuredisk-controller",
		"csi-azurefile-controller", "csi-snapshot-controller", CategoryNone, CategoryOther,
	}
}
