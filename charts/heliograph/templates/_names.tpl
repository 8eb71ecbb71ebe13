{{- define "heliograph.name" -}}
{{- $own := .Values.nameOverride | default "heliograph" -}}
{{- if contains $own .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $own | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* `default` is no place for what may read every Secret: without a namespace given, it goes to kube-system. */}}
{{- define "heliograph.namespace" -}}
{{- if .Values.namespace -}}
{{- .Values.namespace -}}
{{- else if eq .Release.Namespace "default" -}}
kube-system
{{- else -}}
{{- .Release.Namespace -}}
{{- end -}}
{{- end -}}

{{- define "heliograph.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "heliograph.name" .) -}}
{{- else -}}
{{- required "serviceAccount.name is needed where serviceAccount.create is false." .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "heliograph.selector" -}}
app.kubernetes.io/name: heliograph
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "heliograph.labels" -}}
{{ include "heliograph.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "heliograph.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* A setting's environment variable: HELIOGRAPH_ and its key in capitals, words parted by underscores. */}}
{{- define "heliograph.environment" -}}
{{- range $key, $value := .Values.settings }}
- name: HELIOGRAPH_{{ $key | snakecase | upper }}
  value: {{ if kindIs "slice" $value }}{{ join "," $value | quote }}{{ else }}{{ include "heliograph.plain" $value | quote }}{{ end }}
{{- end }}
{{- end -}}

{{/* Numbers arrive as floats: 1000000 must not become 1e+06. */}}
{{- define "heliograph.plain" -}}
{{- if kindIs "float64" . -}}{{- if eq (floor .) . -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}{{- else -}}{{ . }}{{- end -}}
{{- end -}}
