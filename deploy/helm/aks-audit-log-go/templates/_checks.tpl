{{/* What would install and not work is refused here, with what to do. */}}
{{- define "aks-audit-log-go.checks" -}}
{{- $name := include "aks-audit-log-go.name" . }}
{{- $live := include "aks-audit-log-go.live" . | fromJson }}
{{- if ne ($live.name | default $name) $name }}
{{- fail (printf "the Deployment %s selects app.kubernetes.io/name=%s, and Kubernetes lets nobody change a selector: set nameOverride back to %q, or uninstall the release first (the checkpoints stay)" (include "aks-audit-log-go.fullname" .) $live.name $live.name) }}
{{- end }}
{{- $dir := include "aks-audit-log-go.variable" (list . "CHECKPOINTDIR") }}
{{- range $name, $value := .Values.config }}
{{- if include "aks-audit-log-go.isSecret" (list $name (include "aks-audit-log-go.string" $value)) }}
{{- fail (printf "config.%s is a secret or holds one, and everybody may read a ConfigMap: put it under secret.data, or into a Secret that secret.existingSecret names" $name) }}
{{- end }}
{{- end }}
{{- if and .Values.secret.existingSecret .Values.secret.data }}
{{- fail "secret.existingSecret and secret.data are both set: choose one" }}
{{- end }}
{{- if not (include "aks-audit-log-go.given" (list . "EHUBNAMESPACECONNECTIONSTRING" "EVENTHUBNAMESPACE")) }}
{{- fail "nothing says how to get to the event hub: set secret.existingSecret, secret.data.EHUBNAMESPACECONNECTIONSTRING, or config.EVENTHUBNAMESPACE with workloadIdentity" }}
{{- end }}
{{- if not (or $dir (include "aks-audit-log-go.given" (list . "BLOBSTORAGECONNECTIONSTRING" "BLOBSTORAGEURL"))) }}
{{- fail "nothing says where checkpoints are kept: set secret.existingSecret, secret.data.BLOBSTORAGECONNECTIONSTRING, config.BLOBSTORAGEURL with workloadIdentity, or config.CHECKPOINTDIR" }}
{{- end }}
{{- if and $dir (or .Values.keda.enabled (gt (int .Values.replicaCount) 1)) }}
{{- fail "config.CHECKPOINTDIR is for a single replica: set replicaCount to 1 and keda.enabled to false, or keep the checkpoints in blobs" }}
{{- end }}
{{- if and $dir (include "aks-audit-log-go.variable" (list . "BLOBCONTAINERNAME")) }}
{{- fail "config.CHECKPOINTDIR and config.BLOBCONTAINERNAME are both set, and the daemon starts with one only: set config.BLOBCONTAINERNAME to \"\"" }}
{{- end }}
{{- if and .Values.workloadIdentity.enabled .Values.serviceAccount.create }}
{{- if not (or .Values.workloadIdentity.clientId (get .Values.serviceAccount.annotations "azure.workload.identity/client-id")) }}
{{- fail "workloadIdentity.clientId is not set: it is the client ID of the managed identity" }}
{{- end }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}
{{- fail "serviceMonitor.enabled and podMonitor.enabled are both true, so that everything would be counted twice: choose one" }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled (not .Values.service.enabled) }}
{{- fail "serviceMonitor.enabled wants service.enabled; podMonitor does not" }}
{{- end }}
{{- end }}
