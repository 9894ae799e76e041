{{- /* Seconds from SIGTERM to SIGKILL: the whole drain, then what closing takes. */ -}}
{{- define "customer-worker.grace-period" -}}
{{- add (ceil (float64 .Values.settings.DISPATCH.DRAIN_TIMEOUT) | int) (int .Values.stopMargin) -}}
{{- end -}}

{{- /* What every pod of the release has, whatever it runs. */ -}}
{{- define "customer-worker.pod" -}}
serviceAccountName: {{ include "customer-worker.service-account" . }}
automountServiceAccountToken: false
# A Service called worker-something would put WORKER_SOMETHING_PORT into the environment: no setting, so refused.
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- with .Values.runAsUser }}
  runAsUser: {{ int64 . }}
  runAsGroup: {{ int64 . }}
  {{- end }}
  {{- with .Values.fsGroup }}
  fsGroup: {{ int64 . }}
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: 16Mi
  {{- with .Values.secrets }}
  - name: secrets
    projected:
      defaultMode: 0440
      sources:
        {{- range . }}
        - secret:
            name: {{ .name }}
            {{- with .items }}
            items:
              {{- range . }}
              - {key: {{ .key | quote }}, path: {{ .as }}}
              {{- end }}
            {{- end }}
        {{- end }}
  {{- end }}
  {{- with include "customer-worker.files" . }}
  - name: files
    projected:
      defaultMode: 0440
      sources:
        {{- trim . | nindent 8 }}
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- /* What every container has, whichever command it runs. */ -}}
{{- define "customer-worker.container" -}}
image: {{ include "customer-worker.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  privileged: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
envFrom:
  - configMapRef:
      name: {{ include "customer-worker.fullname" . }}
{{- with .Values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if .Values.secrets }}
  - {name: secrets, mountPath: /run/secrets, readOnly: true}
  {{- end }}
  {{- if include "customer-worker.files" . }}
  - {name: files, mountPath: /etc/customer-worker, readOnly: true}
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /* Sources of /etc/customer-worker; customer-worker.file-settings names the same files. */ -}}
{{- define "customer-worker.files" -}}
{{- with .Values.tls.kafkaCa }}
{{- if or .secret .configMap }}
- {{ ternary "secret" "configMap" (not (empty .secret)) }}:
    name: {{ default .configMap .secret }}
    items: [{key: {{ .key | quote }}, path: kafka-ca.crt}]
{{- end }}
{{- end }}
{{- with .Values.tls.kafkaClient }}
{{- if .secret }}
- secret:
    name: {{ .secret }}
    items: [{key: {{ .certificate | quote }}, path: kafka.crt}, {key: {{ .key | quote }}, path: kafka.key}]
{{- end }}
{{- end }}
{{- with .Values.tls.apiCa }}
{{- if or .secret .configMap }}
- {{ ternary "secret" "configMap" (not (empty .secret)) }}:
    name: {{ default .configMap .secret }}
    items: [{key: {{ .key | quote }}, path: api-ca.crt}]
{{- end }}
{{- end }}
{{- with .Values.tls.apiClient }}
{{- if .secret }}
- secret:
    name: {{ .secret }}
    items: [{key: {{ .certificate | quote }}, path: api.crt}, {key: {{ .key | quote }}, path: api.key}]
{{- end }}
{{- end }}
{{- with .Values.tls.proxyCa }}
{{- if or .secret .configMap }}
- {{ ternary "secret" "configMap" (not (empty .secret)) }}:
    name: {{ default .configMap .secret }}
    items: [{key: {{ .key | quote }}, path: proxy-ca.crt}]
{{- end }}
{{- end }}
{{- with .Values.tls.registryCa }}
{{- if or .secret .configMap }}
- {{ ternary "secret" "configMap" (not (empty .secret)) }}:
    name: {{ default .configMap .secret }}
    items: [{key: {{ .key | quote }}, path: registry-ca.crt}]
{{- end }}
{{- end }}
{{- with .Values.catalog }}
{{- if .configMap }}
- configMap:
    name: {{ .configMap }}
    items: [{key: {{ .key | quote }}, path: {{ .key | quote }}}]
{{- end }}
{{- end }}
{{- with .Values.mapping }}
{{- if .configMap }}
- configMap:
    name: {{ .configMap }}
    items: [{key: {{ .key | quote }}, path: events/mapping.toml}]
{{- end }}
{{- end }}
{{- end -}}

{{- /* All settings that hold no secret, as variables. JSON writes a large number as it is, a template 1.048576e+06. */ -}}
{{- define "customer-worker.settings" -}}
{{- range $group, $names := .Values.settings }}
{{- range $name, $value := $names }}
{{- if not (kindIs "invalid" $value) }}
WORKER_{{ $group }}__{{ $name }}: {{ ternary $value (toJson $value) (kindIs "string" $value) | quote }}
{{- end }}
{{- end }}
{{- end }}
{{ include "customer-worker.file-settings" . }}
{{- end -}}

{{- /* The settings that point to the mounted files. */ -}}
{{- define "customer-worker.file-settings" -}}
{{- if or .Values.tls.kafkaCa.secret .Values.tls.kafkaCa.configMap }}
WORKER_KAFKA__CA_FILE: /etc/customer-worker/kafka-ca.crt
{{- end }}
{{- if .Values.tls.kafkaClient.secret }}
WORKER_KAFKA__CERT_FILE: /etc/customer-worker/kafka.crt
WORKER_KAFKA__KEY_FILE: /etc/customer-worker/kafka.key
{{- end }}
{{- if or .Values.tls.apiCa.secret .Values.tls.apiCa.configMap }}
WORKER_API__CA_FILE: /etc/customer-worker/api-ca.crt
{{- end }}
{{- if .Values.tls.apiClient.secret }}
WORKER_API__CERT_FILE: /etc/customer-worker/api.crt
WORKER_API__KEY_FILE: /etc/customer-worker/api.key
{{- end }}
{{- if or .Values.tls.proxyCa.secret .Values.tls.proxyCa.configMap }}
WORKER_API__PROXY_CA_FILE: /etc/customer-worker/proxy-ca.crt
{{- end }}
{{- if .Values.mapping.configMap }}
WORKER_EVENTS__MAPPING: /etc/customer-worker/events/mapping.toml
{{- end }}
{{- if or .Values.tls.registryCa.secret .Values.tls.registryCa.configMap }}
WORKER_EVENTS__REGISTRY_CA_FILE: /etc/customer-worker/registry-ca.crt
{{- end }}
{{- if .Values.catalog.configMap }}
WORKER_CUSTOMER__CATALOG: {{ printf "/etc/customer-worker/%s" .Values.catalog.key | quote }}
{{- end }}
{{- end -}}

{{- define "customer-worker.probe" -}}
httpGet: {path: {{ .path }}, port: ops}
periodSeconds: {{ .given.periodSeconds }}
timeoutSeconds: {{ .given.timeoutSeconds }}
failureThreshold: {{ .given.failureThreshold }}
{{- end -}}
