{{/* What is read out of the daemon's variables, and what is refused. */}}

{{/* A value as an environment variable has it. Helm reads a whole number of a values file as a float, which prints
as 6.7108864e+07. */}}
{{- define "aks-audit-log-go.string" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}
{{- printf "%.0f" . }}
{{- else }}
{{- toString . }}
{{- end }}
{{- end }}

{{/* The value of a variable that config or extraEnv says; empty where neither does: the list of the root and its name. */}}
{{- define "aks-audit-log-go.variable" -}}
{{- $root := index . 0 }}
{{- $name := index . 1 }}
{{- $value := "" }}
{{- if hasKey $root.Values.config $name }}
{{- $value = include "aks-audit-log-go.string" (get $root.Values.config $name) }}
{{- end }}
{{- range $root.Values.extraEnv }}
{{- if and (eq .name $name) .value }}
{{- $value = .value }}
{{- end }}
{{- end }}
{{- $value }}
{{- end }}

{{/* "yes" where a variable, or a file with its value, is given anywhere that the chart can see or has to trust. */}}
{{- define "aks-audit-log-go.given" -}}
{{- $root := index . 0 }}
{{- $given := or $root.Values.secret.existingSecret $root.Values.extraEnvFrom }}
{{- range $name := rest . }}
{{- range $spelled := list $name (printf "%s_FILE" $name) }}
{{- $given = or $given (get $root.Values.config $spelled) (get $root.Values.secret.data $spelled) }}
{{- range $root.Values.extraEnv }}
{{- $given = or $given (eq .name $spelled) }}
{{- end }}
{{- end }}
{{- end }}
{{- if $given }}yes{{ end }}
{{- end }}

{{/* A duration as Go writes it ("1m30s") in whole seconds, rounded up. */}}
{{- define "aks-audit-log-go.seconds" -}}
{{- if not (regexMatch "^([0-9]*\\.?[0-9]+(ns|us|µs|ms|s|m|h))+$" .) }}
{{- fail (printf "%q is no duration like 25s or 1m30s" .) }}
{{- end }}
{{- $second := dict "ns" 1e-9 "us" 1e-6 "µs" 1e-6 "ms" 1e-3 "s" 1.0 "m" 60.0 "h" 3600.0 }}
{{- $total := 0.0 }}
{{- range regexFindAll "[0-9]*\\.?[0-9]+(ns|us|µs|ms|s|m|h)" . -1 }}
{{- $unit := regexFind "[a-zµ]+$" . }}
{{- $total = addf $total (mulf (trimSuffix $unit . | float64) (get $second $unit)) }}
{{- end }}
{{- ceil $total | int64 }}
{{- end }}

{{- define "aks-audit-log-go.shutdownSeconds" -}}
{{- include "aks-audit-log-go.seconds" (include "aks-audit-log-go.variable" (list . "SHUTDOWNTIMEOUT") | default "25s") }}
{{- end }}

{{/* The 5 s are for the process to start its shutdown and to end. */}}
{{- define "aks-audit-log-go.gracePeriod" -}}
{{- $shutdown := include "aks-audit-log-go.shutdownSeconds" . | int64 }}
{{- $grace := add $shutdown 5 }}
{{- with .Values.terminationGracePeriodSeconds }}
{{- $grace = int64 . }}
{{- end }}
{{- if le $grace $shutdown }}
{{- fail (printf "terminationGracePeriodSeconds is %d, but the shutdown may take %d s (config.SHUTDOWNTIMEOUT): leave it out, or give it more" $grace $shutdown) }}
{{- end }}
{{- $grace }}
{{- end }}

{{- define "aks-audit-log-go.statsPort" -}}
{{- $address := include "aks-audit-log-go.variable" (list . "STATSADDRESS") | default ":9000" }}
{{- if regexMatch "^(localhost|127\\.|\\[::1\\])" $address }}
{{- fail (printf "config.STATSADDRESS is %q: the probes and Prometheus come from outside of the pod" $address) }}
{{- end }}
{{- regexFind "[0-9]+$" $address }}
{{- end }}

{{/* The port of WEBSINKURL; empty where the chart does not see the URL. */}}
{{- define "aks-audit-log-go.urlPort" -}}
{{- $url := urlParse (include "aks-audit-log-go.variable" (list . "WEBSINKURL")) }}
{{- if regexMatch ":[0-9]+$" $url.host }}
{{- regexFind "[0-9]+$" $url.host }}
{{- else if $url.host }}
{{- ternary 443 80 (eq $url.scheme "https") }}
{{- end }}
{{- end }}

{{/* The port that the sink listens on. */}}
{{- define "aks-audit-log-go.sinkPort" -}}
{{- $port := .Values.networkPolicy.egress.sinkPort | int64 | default (include "aks-audit-log-go.urlPort" .) }}
{{- if not $port }}
{{- fail "networkPolicy.egress.sinkPort is not set, and config has no WEBSINKURL that says it" }}
{{- end }}
{{- $port }}
{{- end }}

{{/* Whether a value is, or has in it, what nobody may read in a ConfigMap. */}}
{{- define "aks-audit-log-go.isSecret" -}}
{{- $name := index . 0 }}
{{- $value := index . 1 }}
{{- $secretName := regexMatch "(CONNECTIONSTRING|PASSWORD|SECRET|TOKEN|ACCESSKEY|ACCOUNTKEY)$" $name }}
{{- $secretValue := regexMatch "://[^/@]*@|(?i)(SharedAccessKey|AccountKey|SharedAccessSignature)=|[?&]sig=" $value }}
{{- if or $secretName $secretValue }}yes{{ end }}
{{- end }}
