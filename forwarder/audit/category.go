package audit

import (
	"fmt"
	"slices"
	"strings"
)

// The label values of aks_audit_log_skipped_records_total that are not log categories of AKS.
const (
	// CategoryNone counts a skipped record that names no category.
	CategoryNone = "none"
	// CategoryOther counts a skipped record whose category SkippedCategories does not list. So the number of label
	// values does not grow with what other services write into the hub.
	CategoryOther = "other"
)

// SkippedCategories returns the label values of aks_audit_log_skipped_records_total: CategoryNone, CategoryOther, and
// the log categories of AKS in
// https://learn.microsoft.com/azure/azure-monitor/reference/supported-logs/microsoft-containerservice-managedclusters-logs.
func SkippedCategories() []string {
	return []string{
		"kube-apiserver", "kube-audit", "kube-audit-admin", "kube-controller-manager", "kube-scheduler",
		"cluster-autoscaler", "cloud-controller-manager", "guard", "csi-azuredisk-controller",
		"csi-azurefile-controller", "csi-snapshot-controller", CategoryNone, CategoryOther,
	}
}

// otherCategories are log categories without audit events that SkippedCategories leaves out: those of newer AKS, of
// Fleet Manager (…/microsoft-containerservice-fleets-logs) and of AKS on Azure Local
// (https://learn.microsoft.com/azure/aks/aksarc/kubernetes-monitor-audit-events).
var otherCategories = []string{
	"karpenter-events", "fleet-mcs-controller-manager", "fleet-member-agent", "fleet-member-net-controller-manager",
	"fleet-hub-agent", "fleet-hub-net-controller-manager",
	"csi-aksarcdisk-controller", "csi-aksarcsmb-controller", "csi-aksarcnfs-controller",
}

// CategoryKind is what the name of a log category stands for.
type CategoryKind int

const (
	// CategoryUnknown is a name that is not known as a category of AKS.
	CategoryUnknown CategoryKind = iota
	// CategoryOfAudit is a category whose records are audit events.
	CategoryOfAudit
	// CategoryOfText is a category whose records are the text logs of a component.
	CategoryOfText
	// CategoryGroup is a group of categories. A diagnostic setting can name it, but a record never does.
	CategoryGroup
)

// KindOfCategory returns what a name stands for, in any case.
func KindOfCategory(name string) CategoryKind {
	switch name = strings.ToLower(name); {
	case name == "kube-audit", name == "kube-audit-admin":
		return CategoryOfAudit
	case name == "alllogs", name == "audit":
		// https://learn.microsoft.com/azure/azure-monitor/essentials/diagnostic-settings
		return CategoryGroup
	case name == CategoryNone, name == CategoryOther:
		return CategoryUnknown
	case slices.Contains(SkippedCategories(), name), slices.Contains(otherCategories, name):
		return CategoryOfText
	default:
		return CategoryUnknown
	}
}

// KnownCategory returns the name of a category of AKS in lower case, or CategoryOther for any other name or none.
// Foreign records in the hub then cannot add to the categories that are remembered and shown.
func KnownCategory(name string) string {
	switch KindOfCategory(name) {
	case CategoryOfAudit, CategoryOfText:
		return strings.ToLower(name)
	case CategoryGroup, CategoryUnknown:
	}
	return CategoryOther
}

// BothCategoriesAdvice is for a cluster whose diagnostic setting sends both audit categories.
const BothCategoriesAdvice = "the cluster sends kube-audit and kube-audit-admin: each change is paid for and alerted twice; " +
	"leave one of the two out of the diagnostic setting (CATEGORIES=kube-audit ends the second alert, not the cost)"

// NotWatchedAdvice says that records of the seen categories come, but none of the wanted ones (CATEGORIES), and what
// to do. KnownCategory returned the seen ones.
func NotWatchedAdvice(seen, wanted []string) string {
	isAudit := func(name string) bool { return KindOfCategory(name) == CategoryOfAudit }
	only := strings.ReplaceAll(strings.Join(slices.Sorted(slices.Values(seen)), ", "), CategoryOther, "other senders")
	all := strings.Join(wanted, ",")
	if i := slices.IndexFunc(seen, isAudit); i >= 0 {
		return fmt.Sprintf("nothing is watched: the hub has records of %s, which CATEGORIES (%s) leaves out: set CATEGORIES=%s", only, all, seen[i])
	}
	leave := ""
	if !slices.ContainsFunc(wanted, isAudit) {
		leave = "leave CATEGORIES out, and "
	}
	return fmt.Sprintf("nothing is watched: the hub has only records of %s, none of CATEGORIES (%s): %sadd kube-audit or kube-audit-admin to the "+
		"diagnostic setting of the cluster (az monitor diagnostic-settings list --resource …)", only, all, leave)
}
