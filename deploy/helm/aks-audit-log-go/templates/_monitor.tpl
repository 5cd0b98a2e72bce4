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

{{/* (list $ rule): a rule of files/rules.yaml, its runbook_url behind prometheusRules.runbookUrl. */}}
{{- define "aks-audit-log-go.ruleWithRunbook" -}}
{{- $rule := index . 1 }}
{{- $prefix := trimSuffix "/" (index . 0).Values.prometheusRules.runbookUrl }}
{{- with $rule.annotations }}
{{- if and $prefix .runbook_url }}
{{- $_ := set . "runbook_url" (printf "%s/%s" $prefix .runbook_url) }}
{{- end }}
{{- end }}
{{- toYaml $rule }}
{{- end }}
