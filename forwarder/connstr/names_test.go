package connstr

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNamesFollowAzuresRules(t *testing.T) {
	tests := []struct {
		rule  string
		check func(string) bool
		good  []string
		bad   []string
	}{
		{
			rule: "hub", check: ValidHubName,
			good: []string{"a", "insights-logs-kube-audit", "A.b_c-9", strings.Repeat("a", 256)},
			bad:  []string{"", "-a", "a-", "_", "a b", "a/b", "ä", strings.Repeat("a", 257)},
		},
		{
			rule: "consumer group", check: ValidConsumerGroup,
			good: []string{"$Default", "$default", "falco", strings.Repeat("a", 50)},
			bad:  []string{"", "$other", "falco/1", ".falco", strings.Repeat("a", 51)},
		},
		{
			rule: "container", check: ValidContainer,
			good: []string{"abc", "kubeauditlogcontainer", "a-1-b", strings.Repeat("a", 63)},
			bad:  []string{"", "ab", "Abc", "a--b", "-ab", "ab-", "a.b", "a_b", "$root", strings.Repeat("a", 64)},
		},
		{
			rule: "storage account", check: validAccount,
			good: []string{"abc", "devstoreaccount1", strings.Repeat("a", 24)},
			bad:  []string{"ab", "a-b", "Abc", "a.b", strings.Repeat("a", 25)},
		},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			for _, name := range test.good {
				assert.True(t, test.check(name), "%q", name)
			}
			for _, name := range test.bad {
				assert.False(t, test.check(name), "%q", name)
			}
		})
	}
}
