package forwarder

import (
	"regexp"
	"slices"
	"strings"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/variable"
)

// categoryName matches the names of Azure's log categories.
var categoryName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// nameCategories is the advice about a name that is no category.
const nameCategories = "audit events are in kube-audit and kube-audit-admin"

// auditEvents checks which records are audit events, and what is added to them.
func (l *loader) auditEvents() {
	l.out.ClusterName = l.onOrOff(variable.ClusterName, l.in.ClusterName)
	l.categories()
}

// categories accepts any name, because AKS may get another category of audit events. It warns of each name without
// known audit events: records of a text log would become dead letters, and a name without records selects nothing.
func (l *loader) categories() {
	for name := range strings.SplitSeq(l.in.Categories, ",") {
		if name = strings.TrimSpace(name); name != "" {
			l.out.Categories = append(l.out.Categories, name)
		}
	}
	odd := func(name string) bool { return !categoryName.MatchString(name) }
	if len(l.out.Categories) == 0 || slices.ContainsFunc(l.out.Categories, odd) {
		l.problems.wrong(variable.Categories)
		return
	}
	for _, name := range l.out.Categories {
		switch audit.KindOfCategory(name) {
		case audit.CategoryOfText:
			l.warn(variable.Categories + " has " + name + ", whose records are no audit events: each will be a dead letter")
		case audit.CategoryGroup:
			l.warn(variable.Categories + " has " + name + ", which is one of Azure's category groups and not a category: " +
				"no record has this name, so it selects nothing; " + nameCategories)
		case audit.CategoryUnknown:
			l.warn(variable.Categories + " has " + name + ", which is not known as a log category of AKS: " +
				"if no record has this name, it selects nothing; " + nameCategories)
		case audit.CategoryOfAudit:
		}
	}
}
