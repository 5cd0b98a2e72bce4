{{/* What the release has in the cluster. "helm template", a dry run of the client, and Argo CD see nothing of it. */}}

{{/* The Deployment that is there, as {"replicas": …, "name": …}, where name is that of its selector; else {}. */}}
{{- define "aks-audit-log-go.live" -}}
{{- $live := dict }}
{{- with lookup "apps/v1" "Deployment" (include "aks-audit-log-go.namespace" .) (include "aks-audit-log-go.fullname" .) }}
{{- $live = dict "replicas" (.spec.replicas | int64) "name" (get .spec.selector.matchLabels "app.kubernetes.io/name") }}
{{- end }}
{{- toJson $live }}
{{- end }}
