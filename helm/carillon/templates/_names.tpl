{{/* What things are called. */}}
{{- define "carillon.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "carillon.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "carillon.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "carillon.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The gateways are the release itself; the ingests stand beside them. Takes root and role. */}}
{{- define "carillon.role.name" -}}
{{- include "carillon.fullname" .root -}}{{- if eq .role "ingest" -}}-ingest{{- end -}}
{{- end -}}

{{/* The service that takes worker messages. */}}
{{- define "carillon.intake" -}}
{{- include "carillon.fullname" . -}}{{- if .Values.ingest.enabled -}}-ingest{{- else -}}-internal{{- end -}}
{{- end -}}

{{- define "carillon.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
app.kubernetes.io/name: {{ include "carillon.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: carillon
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* All pods of the release, whatever their role; the one of `helm test`, too, which has no ports. */}}
{{- define "carillon.selector" -}}
app.kubernetes.io/name: {{ include "carillon.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* The nodes of one role. Takes root and role. */}}
{{- define "carillon.role.selector" -}}
{{ include "carillon.selector" .root }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{- define "carillon.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "carillon.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "carillon.image" -}}
{{- $image := .Values.image -}}
{{- $registry := default $image.registry .Values.global.imageRegistry | trimSuffix "/" -}}
{{- if $registry }}{{ $registry }}/{{ end }}{{ $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default .Chart.AppVersion $image.tag }}{{ end -}}
{{- end -}}

{{- define "carillon.apiKeys" -}}
{{- default (printf "%s-api-keys" (include "carillon.fullname" .)) .Values.apiKeys.existingSecret -}}
{{- end -}}

{{- define "carillon.internalScheme" -}}
{{- ternary "https" "http" (ne .Values.internalTls.existingSecret "") -}}
{{- end -}}
