{{/* KEDA's blobMetadata strategy looks for <host>/<hub>/<group>/checkpoint/<partition> and lower-cases the group only.
The daemon writes all three in lower case, so that is how they are spelled here. */}}

{{/* Stops where KEDA would look in another place than where the daemon writes, or could not sign in. */}}
{{- define "aks-audit-log-go.kedaChecks" -}}
{{- $connection := get .Values.secret.data "EHUBNAMESPACECONNECTIONSTRING" | default "" }}
{{- range regexFindAll "(?i)(Endpoint|EntityPath)=[^;]*" $connection -1 }}
{{- $value := regexReplaceAll "^[^=]*=" . "" }}
{{- if ne $value (lower $value) }}
{{- fail (printf "KEDA would look for checkpoints under the names in EHUBNAMESPACECONNECTIONSTRING as they are typed, and the daemon writes them in lower case: write %q in lower case there" $value) }}
{{- end }}
{{- end }}
{{- $root := . }}
{{- range $name := list "EHUBNAMESPACECONNECTIONSTRING_FILE" "BLOBSTORAGECONNECTIONSTRING_FILE" }}
{{- if or (include "aks-audit-log-go.variable" (list $root $name)) (get $root.Values.secret.data $name) }}
{{- fail (printf "KEDA reads connection strings from the pod's environment, and no files: give %s, by a Secret, in place of %s, or use identities" (trimSuffix "_FILE" $name) $name) }}
{{- end }}
{{- end }}
{{- if ne (empty .Values.config.BLOBSTORAGEURL) (empty .Values.config.EVENTHUBNAMESPACE) }}
{{- fail "KEDA signs in to hub and storage in one way: set both config.EVENTHUBNAMESPACE and config.BLOBSTORAGEURL, or neither" }}
{{- end }}
{{- end }}

{{/* The first part of a host name, and the rest. */}}
{{- define "aks-audit-log-go.hostHead" -}}
{{- splitList "." . | first }}
{{- end }}
{{- define "aks-audit-log-go.hostTail" -}}
{{- splitList "." . | rest | join "." }}
{{- end }}

{{/* Where the hub and the checkpoints are, for an identity. */}}
{{- define "aks-audit-log-go.kedaIdentity" -}}
{{- $hub := regexReplaceAll "^sb://|:[0-9]+/?$|/$" (lower .Values.config.EVENTHUBNAMESPACE) "" }}
{{- $account := (urlParse (lower .Values.config.BLOBSTORAGEURL)).host }}
{{- $hubSuffix := include "aks-audit-log-go.hostTail" $hub -}}
eventHubNamespace: {{ include "aks-audit-log-go.hostHead" $hub }}
storageAccountName: {{ include "aks-audit-log-go.hostHead" $account }}
{{- if ne $hubSuffix "servicebus.windows.net" }}
# Another cloud than the public one.
cloud: Private
endpointSuffix: {{ $hubSuffix }}
storageEndpointSuffix: {{ include "aks-audit-log-go.hostTail" $account | trimPrefix "blob." }}
{{- end }}
{{- end }}
