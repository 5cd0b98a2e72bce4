package forwarder

import (
	"regexp"
	"slices"
	"strings"

	"aks-audit-log-go/forwarder/audit"
	"aks-audit-log-go/forwarder/variable"
)

// categoryName is what the names of Azure's log categories look like.
var categoryName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// auditEvents says which records are audit events, and what is done to them.
func (l *loader) auditEvents() {
	l.out.ClusterName = l.onOrOff(variable.ClusterName, l.in.ClusterName)
	l.categories()
}

// categories takes any name, since AKS may get another category of audit events; but of one that is
// known to hold none each record would become a dead letter.
func (l *loader) categories() {
	for name := range strings.SplitSeq(l.in.Categories, ",") {
		if name = strings.TrimSpace(name); name != "" {
			l.out.Categories = append(l.out.Categories, name)
		}
	}
	odd := func(name string) bool { return !categoryName.MatchString(name) }
	if len(l.out.Categories) == 0 || slices.ContainsFunc(l.out.Categories, odd) {
		l.wrong(variable.Categories)
		return
	}
	for _, name := range l.out.Categories {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "kube-audit") && slices.Contains(audit.SkippedCategories(), lower) {
			l.out.Warnings = append(l.out.Warnings, variable.Categories+" has "+name+", whose records are no audit events: each will be a dead letter")
		}
	}
}
