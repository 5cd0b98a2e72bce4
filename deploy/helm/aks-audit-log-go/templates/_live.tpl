{{/* What the release has in the cluster. Nothing is seen by "helm template" and a dry run of the client, nor by Argo CD. */}}

{{/* The Deployment that is there, as {"replicas": …, "name": …}, where name is that of its selector; {} where there is none. */}}
{{- define "aks-audit-log-go.live" -}}
{{- $live := dict }}
{{- with lookup "apps/v1" "Deployment" (include "aks-audit-log-go.namespace" .) (include "aks-audit-log-go.fullname" .) }}
{{- $live = dict "replicas" (.spec.replicas | int64) "name" (get .spec.selector.matchLabels "app.kubernetes.io/name") }}
{{- end }}
{{- toJson $live }}
{{- end }}
