//go:build chart

package deploy

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatCannotWorkIsRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	const hub, storage = "config.EVENTHUBNAMESPACE=ns.servicebus.windows.net", "config.BLOBSTORAGEURL=https://a.blob.core.windows.net"
	const alerts = "prometheusRules.enabled=true"
	for want, settings := range map[string][]string{
		"nothing says how to get to the event hub":                    nil,
		"nothing says where checkpoints are kept":                     {hub},
		"secret.existingSecret and secret.data are both set":          {withSecret, "secret.data.A=b"},
		"terminationGracePeriodSeconds is 25, but the shutdown may ":  {withSecret, "terminationGracePeriodSeconds=25"},
		`"soon" is no duration like 25s`:                              {withSecret, "config.SHUTDOWNTIMEOUT=soon"},
		`config.STATSADDRESS is "127.0.0.1:9000"`:                     {withSecret, "config.STATSADDRESS=127.0.0.1:9000"},
		"config.CHECKPOINTDIR is for a single replica":                {withSecret, "config.CHECKPOINTDIR=/x", "replicaCount=2"},
		`set config.BLOBCONTAINERNAME to ""`:                          {withSecret, "config.CHECKPOINTDIR=/x"},
		"workloadIdentity.clientId is not set":                        {hub, storage, "workloadIdentity.enabled=true"},
		"serviceMonitor.enabled and podMonitor.enabled are both true": {withSecret, "serviceMonitor.enabled=true", "podMonitor.enabled=true"},
		"serviceMonitor.enabled wants service.enabled":                {withSecret, "serviceMonitor.enabled=true", "service.enabled=false"},
		"networkPolicy.egress.sinkPort is not set":                    {withSecret, "networkPolicy.enabled=true", "config.WEBSINKURL="},
		"there is no alert Aks; there are: AksAuditLogAbsent, ":       {withSecret, alerts, "prometheusRules.alerts.Aks.for=1m"},
		"AksAuditLogAbsent.threshold: this alert has none to set":     {withSecret, alerts, "prometheusRules.alerts.AksAuditLogAbsent.threshold=1m"},
		`AksAuditLogFarBehind.threshold is "42": it should be a dura`: {withSecret, alerts, "prometheusRules.alerts.AksAuditLogFarBehind.threshold=42"},
		`AksAuditLogRestarts.threshold is "1h": it should be a numbe`: {withSecret, alerts, "prometheusRules.alerts.AksAuditLogRestarts.threshold=1h"},
		"the alert looks back for 24 hours, so it should be less":     {withSecret, alerts, "prometheusRules.alerts.AksAuditLogClusterSilent.threshold=24h"},
		"and no files: give EHUBNAMESPACECONNECTIONSTRING, by ":       {chart + "/ci/secret-files-values.yaml", "keda.enabled=true"},
		"KEDA signs in to hub and storage in one way":                 {hub, withSecret, "keda.enabled=true"},
		"keda.enabled wants config.EVENTHUBNAME":                      {withSecret, "keda.enabled=true", "config.EVENTHUBNAME="},
		`write "sb://Ns.servicebus.windows.net/" in lower case there`: {"secret.data.EHUBNAMESPACECONNECTIONSTRING=Endpoint=sb://Ns.servicebus.windows.net/;SharedAccessKey=x", "secret.data.BLOBSTORAGECONNECTIONSTRING=x", "keda.enabled=true"},
		`write "Audit" in lower case there`:                           {"secret.data.EHUBNAMESPACECONNECTIONSTRING=Endpoint=sb://ns.servicebus.windows.net/;EntityPath=Audit", "secret.data.BLOBSTORAGECONNECTIONSTRING=x", "keda.enabled=true"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, refusal(t, settings...), want)
		})
	}
}

// TestTheSchemaFindsSlipsOfThePen: a value that no template reads would be passed over in silence.
func TestTheSchemaFindsSlipsOfThePen(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{
		"replicas=2", "image.name=x", "image.digest=sha256:1", "config.webSinkURL=http://x", "config.A.b=c", "secret.name=x",
		"workloadIdentity.clientID=x", "serviceAccount.automount=true", "healthChecks.startupProbe.periodSeconds=1", "healthChecks.livenessProbe.path=/",
		"podDisruptionBudget.minAvailable=1", "podDisruptionBudget.maxUnavailable=0", "podDisruptionBudget.maxUnavailable=half", "service.ports=1", "service.port=70000",
		"serviceMonitor.create=true", "serviceMonitor.interval=often", "podMonitor.apiVersion=v1", "prometheusRules.alerts.x=y", "prometheusRules.alerts.AksAuditLogFarBehind.threshold=long", "prometheusRules.alerts.AksAuditLogFarBehind.after=1h",
		"dnsPolicy=Host", "dnsConfig.servers=x", "hostAliases[0].ip=10.0.0.4", "revisionHistoryLimit=-1", "deployment.name=x", "extraObjects[0]=1",
		"imagePullSecrets[0].secret=x", "global.imagePullSecrets[0].secret=x", "extraEnvFrom[0].secret=x", "prometheusRules.runbookUrl=docs", "grafana.enabled=true",
		"networkPolicy.egress.to=x", "keda.minReplicaCount=0", "keda.maxReplicas=3", "tests.enabled=false", "terminationGracePeriodSeconds=0",
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, refusal(t, withSecret, setting), "don't meet the specifications of the schema")
		})
	}
}
