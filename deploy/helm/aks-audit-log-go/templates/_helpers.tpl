{{/* Names and labels. */}}

{{- define "aks-audit-log-go.name" -}}
{{- /* A label has 63 characters, and the pods of tests add to it. */}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "aks-audit-log-go.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (default .Chart.Name .Values.nameOverride) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (default .Chart.Name .Values.nameOverride) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "aks-audit-log-go.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "aks-audit-log-go.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "aks-audit-log-go.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "aks-audit-log-go.selectorLabels" -}}
app.kubernetes.io/name: {{ include "aks-audit-log-go.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of a pod: without the chart's version, so that a new chart alone starts no pod anew. The list of the root
and the name: pods of tests have other names than those that the Service and the Deployment select. */}}
{{- define "aks-audit-log-go.podLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/part-of: {{ $root.Chart.Name }}
{{- if $root.Values.workloadIdentity.enabled }}
azure.workload.identity/use: "true"
{{- end }}
{{- with merge dict $root.Values.podLabels $root.Values.customLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "aks-audit-log-go.labels" -}}
{{ include "aks-audit-log-go.selectorLabels" . }}
app.kubernetes.io/part-of: {{ .Chart.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The metadata of an object. The dict has root, and where they are not the usual ones name, namespace, labels and
annotations. */}}
{{- define "aks-audit-log-go.metadata" -}}
name: {{ .name | default (include "aks-audit-log-go.fullname" .root) }}
namespace: {{ .namespace | default (include "aks-audit-log-go.namespace" .root) }}
labels:
  {{- $labels := include "aks-audit-log-go.labels" .root }}
  {{- $labels | nindent 2 }}
  {{- /* A key that stands twice is no valid YAML, and selectors need the chart's own. */}}
  {{- $more := merge dict (.labels | default dict) .root.Values.customLabels }}
  {{- range $name, $_ := fromYaml $labels }}
  {{- $_ := unset $more $name }}
  {{- end }}
  {{- with $more }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge dict (.annotations | default dict) .root.Values.customAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "aks-audit-log-go.image" -}}
{{- $image := .Values.image.repository }}
{{- with .Values.global.imageRegistry | default .Values.image.registry }}
{{- $image = printf "%s/%s" . $image }}
{{- end }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $image .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $image (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* The image of the test. Its registry is what stands before the first slash if it looks like a host, as for Docker. */}}
{{- define "aks-audit-log-go.connectionImage" -}}
{{- $image := .Values.tests.connection.image }}
{{- with .Values.global.imageRegistry }}
{{- $image = printf "%s/%s" . (regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" $image "") }}
{{- end }}
{{- $image }}
{{- end }}

{{/* The Secrets for private registries, each once, as {"items": [{"name": …}]}. */}}
{{- define "aks-audit-log-go.pullSecrets" -}}
{{- $items := list }}
{{- range concat .Values.image.pullSecrets .Values.imagePullSecrets (.Values.global.imagePullSecrets | default list) }}
{{- $items = append $items (ternary (dict "name" .) . (kindIs "string" .)) }}
{{- end }}
{{- dict "items" (uniq $items) | toJson }}
{{- end }}
