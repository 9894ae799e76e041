{{- define "customer-worker.console-name" -}}
{{ include "customer-worker.fullname" . }}-console
{{- end -}}

{{- define "customer-worker.console-selector-labels" -}}
{{ include "customer-worker.release-labels" . }}
app.kubernetes.io/component: console
{{- end -}}

{{- define "customer-worker.console-labels" -}}
{{ include "customer-worker.common-labels" . }}
app.kubernetes.io/component: console
{{- end -}}

{{- /* The same release with the page's own secrets and resources in place of the worker's. */ -}}
{{- define "customer-worker.console-root" -}}
{{- $values := deepCopy .Values -}}
{{- $_ := set $values "secrets" .Values.console.secrets -}}
{{- $_ := set $values "resources" .Values.console.resources -}}
{{- $_ := set $values "extraEnv" (concat .Values.extraEnv (include "customer-worker.console-env" . | fromYamlArray)) -}}
{{- toJson (dict "Values" $values) -}}
{{- end -}}

{{- /* What follows from the chart; a pod's own environment has the last word over the settings of all. */ -}}
{{- define "customer-worker.console-env" -}}
- {name: WORKER_CONSOLE__HOST, value: {{ .Values.settings.OPS.HOST | quote }}}
- {name: WORKER_CONSOLE__PORT, value: {{ .Values.console.port | quote }}}
- {name: WORKER_CONSOLE__WORKERS, value: "{{ include "customer-worker.fullname" . }}:{{ .Values.settings.OPS.PORT }}"}
{{- end -}}

{{- define "customer-worker.console-probe" -}}
httpGet:
  path: {{ trimSuffix "/" (dig "CONSOLE" "PREFIX" "" .Values.settings) }}/livez
  port: console
  # It answers to the names that it is called by, and to those of loopback.
  httpHeaders: [{name: Host, value: localhost}]
{{- end -}}
