{{- /* What no schema can say, all at once; included by the StatefulSet, so that nothing is rendered with it. */ -}}
{{- define "customer-worker.refuse" -}}
{{- $refused := concat
      (include "customer-worker.refused-name" . | fromJsonArray)
      (include "customer-worker.refused-replicas" . | fromJsonArray)
      (include "customer-worker.refused-settings" . | fromJsonArray)
      (include "customer-worker.refused-console" . | fromJsonArray)
      (include "customer-worker.refused-tls" . | fromJsonArray) -}}
{{- if $refused -}}
{{- fail (printf "\n\n%s\n" (join "\n" $refused)) -}}
{{- end -}}
{{- end -}}

{{- define "customer-worker.refused-name" -}}
{{- $refused := list -}}
{{- $name := include "customer-worker.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- $refused = append $refused (printf "fullnameOverride: a Service cannot be called %s; small letters, digits and hyphens, a letter first" $name) -}}
{{- end -}}
{{- toJson $refused -}}
{{- end -}}

{{- define "customer-worker.refused-replicas" -}}
{{- $refused := list -}}
{{- $name := ternary "autoscaling.maxReplicas" "replicas" .Values.autoscaling.enabled -}}
{{- $most := ternary .Values.autoscaling.maxReplicas .Values.replicas .Values.autoscaling.enabled | int -}}
{{- $partitions := .Values.settings.TOPICS.PARTITIONS | int -}}
{{- $accounts := .Values.accounts | int -}}
{{- if gt $most $partitions -}}
{{- $refused = append $refused (printf "%s: %d, but settings.TOPICS.PARTITIONS is %d, and a replica beyond the partitions gets nothing to do" $name $most $partitions) -}}
{{- end -}}
{{- if and $accounts (gt $most $accounts) -}}
{{- $refused = append $refused (printf "%s: %d, but accounts is %d, and replica N takes account N" $name $most $accounts) -}}
{{- end -}}
{{- if and (not $accounts) (gt $most 5) -}}
{{- $refused = append $refused (printf "%s: %d, but the API allows a user five sessions, one for each replica: list several users in WORKER_API__ACCOUNTS of the secret and set accounts to their number" $name $most) -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (.Values.autoscaling.minReplicas | int) $most) -}}
{{- $refused = append $refused (printf "autoscaling.minReplicas: %d is more than maxReplicas %d" (.Values.autoscaling.minReplicas | int) $most) -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (ne .Values.settings.KAFKA.SECURITY_PROTOCOL "PLAINTEXT") (not .Values.autoscaling.authentication) -}}
{{- $refused = append $refused (printf "autoscaling.authentication: required with SECURITY_PROTOCOL %s, since KEDA reads the lag from Kafka too" .Values.settings.KAFKA.SECURITY_PROTOCOL) -}}
{{- end -}}
{{- toJson $refused -}}
{{- end -}}

{{- define "customer-worker.refused-settings" -}}
{{- $refused := list -}}
{{- if not (.Values.settings.OPS.PORT | int) -}}
{{- $refused = append $refused "settings.OPS.PORT: 0 is a port that nobody knows, and the probes need one" -}}
{{- end -}}
{{- if has .Values.settings.OPS.HOST (list "127.0.0.1" "::1" "localhost") -}}
{{- $refused = append $refused (printf "settings.OPS.HOST: at %s neither probes nor Prometheus reach it; 0.0.0.0, or :: for IPv6" .Values.settings.OPS.HOST) -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if hasPrefix "WORKER_" (upper .name) -}}
{{- $refused = append $refused (printf "extraEnv: %s is a setting of the worker: it belongs in settings, a password in secrets" .name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.catalog.configMap (hasKey (default dict .Values.settings.CUSTOMER) "CATALOG") -}}
{{- $refused = append $refused "settings.CUSTOMER.CATALOG: follows from catalog.configMap, give one of them" -}}
{{- end -}}
{{- if and .Values.mapping.configMap (hasKey (default dict .Values.settings.EVENTS) "MAPPING") -}}
{{- $refused = append $refused "settings.EVENTS.MAPPING: follows from mapping.configMap, give one of them" -}}
{{- end -}}
{{- toJson $refused -}}
{{- end -}}

{{- define "customer-worker.refused-console" -}}
{{- $refused := list -}}
{{- $given := default dict .Values.settings.CONSOLE -}}
{{- if .Values.console.enabled -}}
{{- if not $given.ALLOWED_HOSTS -}}
{{- $refused = append $refused "settings.CONSOLE.ALLOWED_HOSTS: required with console.enabled: the names by which browsers call it" -}}
{{- end -}}
{{- if and (not .Values.console.secrets) (not $given.PROXY_USER_HEADER) -}}
{{- $refused = append $refused "console.secrets: one with WORKER_CONSOLE__TOKEN is required, or settings.CONSOLE.PROXY_USER_HEADER" -}}
{{- end -}}
{{- range list "HOST" "PORT" "WORKERS" -}}
{{- if hasKey $given . -}}
{{- $refused = append $refused (printf "settings.CONSOLE.%s: follows from the chart" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $refused -}}
{{- end -}}

{{- define "customer-worker.refused-tls" -}}
{{- $refused := list -}}
{{- $protocol := .Values.settings.KAFKA.SECURITY_PROTOCOL -}}
{{- if and (or .Values.tls.kafkaCa.secret .Values.tls.kafkaCa.configMap .Values.tls.kafkaClient.secret) (not (hasSuffix "SSL" $protocol)) -}}
{{- $refused = append $refused (printf "tls: certificates for Kafka, but settings.KAFKA.SECURITY_PROTOCOL is %s; SSL or SASL_SSL" $protocol) -}}
{{- end -}}
{{- range $name, $given := dict "kafkaCa" .Values.tls.kafkaCa "apiCa" .Values.tls.apiCa "proxyCa" .Values.tls.proxyCa "registryCa" .Values.tls.registryCa -}}
{{- if and $given.secret $given.configMap -}}
{{- $refused = append $refused (printf "tls.%s: a secret or a configMap, not both" $name) -}}
{{- end -}}
{{- end -}}
{{- $files := dict -}}
{{- if or .Values.tls.kafkaCa.secret .Values.tls.kafkaCa.configMap -}}{{- $_ := set $files "KAFKA.CA_FILE" "tls.kafkaCa" -}}{{- end -}}
{{- if .Values.tls.kafkaClient.secret -}}{{- $_ := set $files "KAFKA.CERT_FILE" "tls.kafkaClient" -}}{{- $_ := set $files "KAFKA.KEY_FILE" "tls.kafkaClient" -}}{{- end -}}
{{- if or .Values.tls.apiCa.secret .Values.tls.apiCa.configMap -}}{{- $_ := set $files "API.CA_FILE" "tls.apiCa" -}}{{- end -}}
{{- if .Values.tls.apiClient.secret -}}{{- $_ := set $files "API.CERT_FILE" "tls.apiClient" -}}{{- $_ := set $files "API.KEY_FILE" "tls.apiClient" -}}{{- end -}}
{{- if or .Values.tls.proxyCa.secret .Values.tls.proxyCa.configMap -}}{{- $_ := set $files "API.PROXY_CA_FILE" "tls.proxyCa" -}}{{- end -}}
{{- if or .Values.tls.registryCa.secret .Values.tls.registryCa.configMap -}}{{- $_ := set $files "EVENTS.REGISTRY_CA_FILE" "tls.registryCa" -}}{{- end -}}
{{- range $setting, $source := $files -}}
{{- $parts := splitList "." $setting -}}
{{- if dig (index $parts 0) (index $parts 1) "" $.Values.settings -}}
{{- $refused = append $refused (printf "settings.%s: follows from %s, give one of them" $setting $source) -}}
{{- end -}}
{{- end -}}
{{- toJson $refused -}}
{{- end -}}
