{{/* What the daemon's pod and the test's pod have in common. */}}

{{/* Where a name stands twice the last one counts: the secret wins over config, extraEnvFrom over both, env over all. */}}
{{- define "aks-audit-log-go.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "aks-audit-log-go.fullname" . }}
  {{- if .Values.secret.existingSecret }}
  - secretRef:
      name: {{ .Values.secret.existingSecret }}
  {{- else if .Values.secret.data }}
  - secretRef:
      name: {{ include "aks-audit-log-go.fullname" . }}
  {{- end }}
  {{- with .Values.extraEnvFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Leads the connection to the sink past a sidecar, so that it ends at Falco: a restart of Falco is noticed by it.
https://istio.io/latest/docs/reference/config/annotations/ and https://linkerd.io/2/reference/proxy-configuration/.
Not where the port is one of Azure's too: the hub and the storage are not to be led past it as well. */}}
{{- define "aks-audit-log-go.meshAnnotations" -}}
{{- $port := include "aks-audit-log-go.urlPort" . }}
{{- if and .Values.serviceMesh.excludeSinkPort $port (not (has $port (list "443" "5671"))) -}}
traffic.sidecar.istio.io/excludeOutboundPorts: {{ $port | quote }}
config.linkerd.io/skip-outbound-ports: {{ $port | quote }}
{{- end }}
{{- end }}

{{- define "aks-audit-log-go.podSettings" -}}
serviceAccountName: {{ include "aks-audit-log-go.serviceAccountName" . }}
# The token of workload identity is a volume of its own, which its webhook puts in.
automountServiceAccountToken: false
enableServiceLinks: false
{{- with (include "aks-audit-log-go.pullSecrets" . | fromJson).items }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "aks-audit-log-go.containerSettings" -}}
image: {{ include "aks-audit-log-go.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{ include "aks-audit-log-go.environment" . }}
securityContext:
  {{- toYaml .Values.containerSecurityContext | nindent 2 }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.extraVolumeMounts }}
volumeMounts:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* "helm uninstall" leaves the pods of tests. So "helm test" removes one that succeeds, and prints its log before (since
Helm 3.18). One that fails stays, to be looked at, until the next "helm test". */}}
{{- define "aks-audit-log-go.testPolicies" -}}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
helm.sh/hook-output-log-policy: hook-succeeded,hook-failed
{{- end }}
