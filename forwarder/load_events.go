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

// auditEvents checks which records are audit events, and what is added to them.
func (l *loader) auditEvents() {
	l.out.ClusterName = l.onOrOff(variable.ClusterName, l.in.ClusterName)
	l.categories()
}

// categories accepts any name, because AKS may get another category of audit events. It warns of a category that is
// known to have none, because each of its records would become a dead letter.
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
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "kube-audit") && slices.Contains(audit.SkippedCategories(), lower) {
			l.warn(variable.Categories + " has " + name + ", whose records are no audit events: each will be a dead letter")
		}
	}
}
