package audit

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheAdviceForAnUnwatchedHubNamesTheSettingThatIsWrong(t *testing.T) {
	const add = "add kube-audit or kube-audit-admin to the diagnostic setting of the cluster (az monitor diagnostic-settings list --resource …)"
	for name, test := range map[string]struct {
		seen, wanted []string
		want         string
	}{
		"the diagnostic setting": {
			[]string{"kube-scheduler", "cluster-autoscaler"}, []string{"kube-audit", "kube-audit-admin"},
			"nothing is watched: the hub has only records of cluster-autoscaler, kube-scheduler, none of CATEGORIES (kube-audit,kube-audit-admin): " + add,
		},
		"CATEGORIES": {
			[]string{"guard", "kube-audit"}, []string{"kube-audit-admin"},
			"nothing is watched: the hub has records of guard, kube-audit, which CATEGORIES (kube-audit-admin) leaves out: set CATEGORIES=kube-audit",
		},
		"both": {
			[]string{"guard"}, []string{"kube-audits"},
			"nothing is watched: the hub has only records of guard, none of CATEGORIES (kube-audits): leave CATEGORIES out, and " + add,
		},
		"another hub": {
			[]string{CategoryOther}, []string{"kube-audit"},
			"nothing is watched: the hub has only records of other senders, none of CATEGORIES (kube-audit): " + add,
		},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, NotWatchedAdvice(test.seen, test.wanted)) })
	}
}

func TestACategoryIsNamedOnlyIfItIsOneOfAKS(t *testing.T) {
	for name, want := range map[string]string{
		"Kube-Audit": "kube-audit", "guard": "guard", "": CategoryOther, "allLogs": CategoryOther, "<b>mine</b>": CategoryOther,
	} {
		assert.Equal(t, want, KnownCategory(name))
	}
}
