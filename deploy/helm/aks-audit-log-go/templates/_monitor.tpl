{{/* What a ServiceMonitor and a PodMonitor have in common: the list of the root and the values of the monitor. */}}
{{- define "aks-audit-log-go.monitorMetadata" -}}
{{- $monitor := index . 1 }}
{{- include "aks-audit-log-go.metadata" (dict "root" (index . 0) "namespace" $monitor.namespace "labels" $monitor.additionalLabels) }}
{{- end }}

{{- define "aks-audit-log-go.monitorSpec" -}}
{{- $root := index . 0 }}
{{- $monitor := index . 1 -}}
# The job is called as the chart, whatever the release is called.
jobLabel: app.kubernetes.io/part-of
{{- if hasPrefix "azmonitoring.coreos.com/" $monitor.apiVersion }}
# Azure Monitor's limits, which it wants to be named:
# https://learn.microsoft.com/azure/azure-monitor/containers/prometheus-metrics-scrape-crd
labelLimit: 63
labelNameLengthLimit: 511
labelValueLengthLimit: 1023
{{- end }}
namespaceSelector:
  matchNames:
    - {{ include "aks-audit-log-go.namespace" $root }}
selector:
  matchLabels:
    {{- include "aks-audit-log-go.selectorLabels" $root | nindent 4 }}
{{- end }}

{{- define "aks-audit-log-go.monitorEndpoint" -}}
- port: metrics
  path: /metrics
  {{- with .interval }}
  interval: {{ . }}
  {{- end }}
  {{- with .scrapeTimeout }}
  scrapeTimeout: {{ . }}
  {{- end }}
  {{- with .relabelings }}
  relabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* (list $ rule): a rule of files/rules.yaml, changed as prometheusRules.alerts says, with prometheusRules.runbookUrl
before its runbook_url. */}}
{{- define "aks-audit-log-go.ruleAsWanted" -}}
{{- $values := (index . 0).Values.prometheusRules }}
{{- $rule := index . 1 }}
{{- $prefix := trimSuffix "/" $values.runbookUrl }}
{{- with $rule.annotations }}
{{- if and $prefix .runbook_url }}
{{- $_ := set . "runbook_url" (printf "%s/%s" $prefix .runbook_url) }}
{{- end }}
{{- end }}
{{- with get ($values.alerts | default dict) ($rule.alert | default "") }}
{{- if hasKey . "threshold" }}
{{- include "aks-audit-log-go.setThreshold" (list $rule (include "aks-audit-log-go.string" .threshold)) }}
{{- end }}
{{- if hasKey . "for" }}
{{- include "aks-audit-log-go.reword" (list $rule (get $rule "for" | default "" | replace "m" " minutes") .for) }}
{{- $_ := set $rule "for" .for }}
{{- end }}
{{- with .severity }}
{{- $_ := set $rule.labels "severity" . }}
{{- end }}
{{- end }}
{{- toYaml $rule }}
{{- end }}

{{/* The thresholds that can be set: what stands in the rule's expr and what replaces it, with %s for the value; its unit;
the words for it in the annotations; and the seconds that it has to be below. */}}
{{- define "aks-audit-log-go.thresholds" -}}
AksAuditLogNothingDelivered: {old: "[10m]", new: "[%s]", unit: duration, words: 10 minutes}
AksAuditLogNothingArrives: {old: "[30m]", new: "[%s]", unit: duration, words: 30 minutes}
AksAuditLogClusterSilent: {old: "> 600 <", new: "> %s <", unit: seconds, below: 86400}
AksAuditLogLagGrowing: {old: "<= 300", new: "<= %s", unit: seconds, words: 5 minutes}
AksAuditLogFarBehind: {old: "> 6 * 3600", new: "> %s", unit: seconds}
AksAuditLogRestarts: {old: "> 2", new: "> %s", unit: number}
{{- end }}

{{/* (list rule threshold) */}}
{{- define "aks-audit-log-go.setThreshold" -}}
{{- $rule := index . 0 }}
{{- $wanted := index . 1 }}
{{- $known := include "aks-audit-log-go.thresholds" . | fromYaml }}
{{- $threshold := get $known $rule.alert }}
{{- if not $threshold }}
{{- fail (printf "prometheusRules.alerts.%s.threshold: this alert has none to set; those that have one: %s" $rule.alert (keys $known | sortAlpha | join ", ")) }}
{{- end }}
{{- if ne (eq $threshold.unit "number") (regexMatch "^[0-9]+$" $wanted) }}
{{- fail (printf "prometheusRules.alerts.%s.threshold is %q: it should be a %s" $rule.alert $wanted (ternary "number" "duration such as 10m" (eq $threshold.unit "number"))) }}
{{- end }}
{{- if ne (len (splitList $threshold.old $rule.expr)) 2 }}
{{- fail (printf "files/rules.yaml: the expr of %s should have %q once" $rule.alert $threshold.old) }}
{{- end }}
{{- $value := $wanted }}
{{- if eq $threshold.unit "seconds" }}
{{- $value = include "aks-audit-log-go.seconds" $wanted }}
{{- end }}
{{- if and $threshold.below (ge (int64 $value) (int64 $threshold.below)) }}
{{- fail (printf "prometheusRules.alerts.%s.threshold is %q: the alert looks back for %d hours, so it should be less" $rule.alert $wanted (div $threshold.below 3600)) }}
{{- end }}
{{- $_ := set $rule "expr" (replace $threshold.old (printf $threshold.new $value) $rule.expr) }}
{{- include "aks-audit-log-go.reword" (list $rule ($threshold.words | default "") $wanted) }}
{{- end }}

{{/* (list rule old new): what the annotations say of a time. */}}
{{- define "aks-audit-log-go.reword" -}}
{{- $annotations := (index . 0).annotations }}
{{- $old := index . 1 }}
{{- $new := index . 2 }}
{{- if $old }}
{{- range $name, $text := $annotations }}
{{- $_ := set $annotations $name (replace $old $new $text) }}
{{- end }}
{{- end }}
{{- end }}
