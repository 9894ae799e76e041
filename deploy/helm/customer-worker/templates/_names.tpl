{{- define "customer-worker.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimAll "-." -}}
{{- end -}}

{{- /* 50 characters: a StatefulSet adds eleven to make a label of at most 63, an ordinal must fit into a host name. */ -}}
{{- define "customer-worker.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimAll "-." -}}
{{- else if contains (include "customer-worker.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimAll "-." -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "customer-worker.name" .) | trunc 50 | trimAll "-." -}}
{{- end -}}
{{- end -}}

{{- /* What all pods of the release have in common, the one that checks included. */ -}}
{{- define "customer-worker.release-labels" -}}
app.kubernetes.io/name: {{ include "customer-worker.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* What the replicas are selected by; never changed by an upgrade. */ -}}
{{- define "customer-worker.selector-labels" -}}
{{ include "customer-worker.release-labels" . }}
app.kubernetes.io/component: worker
{{- end -}}

{{- define "customer-worker.common-labels" -}}
{{ include "customer-worker.release-labels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "customer-worker.labels" -}}
{{ include "customer-worker.common-labels" . }}
app.kubernetes.io/component: worker
{{- end -}}

{{- define "customer-worker.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "customer-worker.service-account" -}}
{{- default (ternary (include "customer-worker.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "customer-worker.job" -}}
{{- $name := include "customer-worker.fullname" . -}}
{{- ternary $name (printf "customer-worker/%s" $name) (contains "customer-worker" $name) -}}
{{- end -}}

{{- define "customer-worker.port" -}}
{{- /* Of a URL: the one that it names, else its scheme's. */ -}}
{{- $url := urlParse . -}}
{{- $usual := ternary "443" "80" (eq $url.scheme "https") -}}
{{- default $usual (regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host)) -}}
{{- end }}
