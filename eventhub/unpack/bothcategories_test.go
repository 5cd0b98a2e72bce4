package unpack

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"aks-audit-log-go/internal/eventhubtest"
)

func TestAClusterThatSendsBothCategoriesIsFound(t *testing.T) {
	record := func(category, cluster string) string {
		return `{"resourceId":"/X/MANAGEDCLUSTERS/` + cluster + `",` + eventhubtest.AuditRecord(category, eventhubtest.Audit("a"))[1:]
	}
	odd := `{"category":"kube-audit-admin","resourceId":"/X/MANAGEDCLUSTERS/A","properties":{"log":` + eventhubtest.Audit("a") + `}}`
	for name, test := range map[string]struct {
		records []string
		want    string
	}{
		"one category":                        {[]string{record("kube-audit", "A"), record("kube-audit", "A")}, ""},
		"both categories":                     {[]string{record("kube-audit", "A"), record("kube-audit-admin", "A")}, "a"},
		"both, in another case":               {[]string{record("Kube-Audit", "A"), record("KUBE-AUDIT-ADMIN", "A")}, "a"},
		"both, the second on the slow path":   {[]string{record("kube-audit", "A"), odd}, "a"},
		"two clusters with one category each": {[]string{record("kube-audit", "A"), record("kube-audit-admin", "B")}, ""},
		"the second of two clusters":          {[]string{record("kube-audit", "A"), record("kube-audit-admin", "B"), record("kube-audit", "B")}, "b"},
		"no cluster named": {[]string{eventhubtest.AuditRecord("kube-audit", eventhubtest.Audit("a")),
			eventhubtest.AuditRecord("kube-audit-admin", eventhubtest.Audit("a"))}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			u := testUnpacker()
			for _, r := range test.records {
				u.unpackBody(eventhubtest.HubBody(r))
			}
			assert.Equal(t, test.want, u.BothCategories())
		})
	}
}
