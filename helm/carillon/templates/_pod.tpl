{{/* The pods of a role. Takes root and role. */}}

{{- define "carillon.deployment" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "carillon.role.name" . }}
  namespace: {{ $root.Release.Namespace | quote }}
  labels:
    {{- include "carillon.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
  {{- with $values.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- if not (include "carillon.scaled" .) }}
  replicas: {{ include "carillon.replicas" . }}
  {{- end }}
  revisionHistoryLimit: {{ $values.revisionHistoryLimit }}
  minReadySeconds: {{ $values.minReadySeconds }}
  strategy:
    type: RollingUpdate
    # One at a time: each that stops sends its clients to the others.
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
  selector:
    matchLabels:
      {{- include "carillon.role.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "carillon.role.selector" . | nindent 8 }}
        {{- with merge (dict) $values.podLabels $values.commonLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        checksum/settings: {{ include "carillon.settings" $root | sha256sum }}
        {{- with $values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "carillon.pod" . | nindent 6 }}
{{- end -}}

{{- define "carillon.pod" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
serviceAccountName: {{ include "carillon.serviceAccount" $root | quote }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ include "carillon.graceSeconds" $root }}
securityContext:
  {{- toYaml $values.podSecurityContext | nindent 2 }}
{{- with $values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $values.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- range $name := list "nodeSelector" "tolerations" "hostAliases" "dnsConfig" "initContainers" }}
{{- with get $values $name }}
{{ $name }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
affinity:
  {{- if $values.affinity }}
  {{- toYaml $values.affinity | nindent 2 }}
  {{- else }}
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "carillon.role.selector" . | nindent 14 }}
  {{- end }}
topologySpreadConstraints:
  {{- if $values.topologySpreadConstraints }}
  {{- toYaml $values.topologySpreadConstraints | nindent 2 }}
  {{- else }}
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels:
        {{- include "carillon.role.selector" $ | nindent 8 }}
  {{- end }}
  {{- end }}
containers:
  - name: carillon
    {{- include "carillon.container" . | nindent 4 }}
  {{- with $values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
  {{- include "carillon.volumes" $root | nindent 2 }}
{{- end -}}

{{- define "carillon.container" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $both := and (eq .role "gateway") (not $values.ingest.enabled) -}}
{{- $scheme := include "carillon.internalScheme" $root | upper -}}
image: {{ include "carillon.image" $root }}
imagePullPolicy: {{ $values.image.pullPolicy }}
args:
  - serve
  - --config=/etc/carillon/carillon.toml
  - --roles={{ ternary "gateway,ingest" .role $both }}
  {{- range $values.extraArgs }}
  - {{ . | quote }}
  {{- end }}
env:
  {{- if or $both (eq .role "ingest") }}
  # A host's name is cut at 63 letters; this never is.
  - name: CARILLON_INGEST__CONSUMER
    valueFrom: { fieldRef: { fieldPath: metadata.name } }
  {{- end }}
  {{- with include "carillon.memory" . }}
  # Newcomers are refused before the kernel ends the pod for all.
  - { name: CARILLON_LIMITS__MEMORY, value: {{ . }} }
  {{- end }}
  {{- include "carillon.env" $root | nindent 2 }}
{{- with $values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  {{- if eq .role "gateway" }}
  - { name: public, containerPort: 8000, protocol: TCP }
  {{- end }}
  - { name: internal, containerPort: 8001, protocol: TCP }
startupProbe:
  httpGet: { path: /readyz, port: internal, scheme: {{ $scheme }} }
  {{- toYaml $values.probes.startup | nindent 2 }}
livenessProbe:
  httpGet: { path: /livez, port: internal, scheme: {{ $scheme }} }
  {{- toYaml $values.probes.liveness | nindent 2 }}
readinessProbe:
  httpGet: { path: /readyz, port: internal, scheme: {{ $scheme }} }
  {{- toYaml $values.probes.readiness | nindent 2 }}
resources:
  {{- toYaml (get $values .role).resources | nindent 2 }}
securityContext:
  {{- toYaml $values.securityContext | nindent 2 }}
volumeMounts:
  {{- include "carillon.mounts" $root | nindent 2 }}
{{- end -}}

{{- define "carillon.env" -}}
{{- $given := dig "internal" "advertise" "" (include "carillon.config" . | fromJson) }}
{{- if not (or $given .Values.internalTls.existingSecret) }}
# Where other nodes pass on what belongs to this one, so that a client that polls finds its node by any.
- name: POD_IP
  valueFrom: { fieldRef: { fieldPath: status.podIP } }
- name: CARILLON_INTERNAL__ADVERTISE
  value: {{ ternary "[$(POD_IP)]:8001" "$(POD_IP):8001" (hasPrefix "[" .Values.listenAddress) | quote }}
{{- end }}
{{- with .Values.redis.urlSecret }}
{{- if .name }}
- name: CARILLON_REDIS__URL
  valueFrom: { secretKeyRef: { name: {{ .name | quote }}, key: {{ .key | quote }} } }
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "carillon.mounts" -}}
- { name: settings, mountPath: /etc/carillon/carillon.toml, subPath: carillon.toml, readOnly: true }
- { name: keys, mountPath: /etc/carillon/keys, readOnly: true }
{{- if include "carillon.redis.hasPassword" . }}
- { name: redis, mountPath: /etc/carillon/redis, readOnly: true }
{{- end }}
{{- if and .Values.redis.tls.enabled .Values.redis.tls.existingSecret }}
- { name: redis-tls, mountPath: /etc/carillon/redis-tls, readOnly: true }
{{- end }}
{{- if .Values.auth.keySecret.name }}
- { name: auth, mountPath: /etc/carillon/auth, readOnly: true }
{{- end }}
{{- if .Values.tls.existingSecret }}
- { name: tls, mountPath: /etc/carillon/tls, readOnly: true }
{{- end }}
{{- if .Values.internalTls.existingSecret }}
- { name: internal-tls, mountPath: /etc/carillon/internal-tls, readOnly: true }
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "carillon.volumes" -}}
- name: settings
  configMap: { name: {{ include "carillon.fullname" . }} }
- name: keys
  secret:
    secretName: {{ include "carillon.apiKeys" . | quote }}
    {{- $entries := ternary .Values.apiKeys.existingSecretKeys (list "keys") (ne .Values.apiKeys.existingSecret "") }}
    {{- with $entries }}
    items:
      {{- range . }}
      - { key: {{ . | quote }}, path: {{ . | quote }} }
      {{- end }}
    {{- end }}
{{- if include "carillon.redis.hasPassword" . }}
- name: redis
  secret:
    secretName: {{ include "carillon.redis.secret" . | quote }}
    items:
      - { key: {{ ternary .Values.redis.existingSecretKey "password" (ne .Values.redis.existingSecret "") | quote }}, path: password }
{{- end }}
{{- with .Values.redis.tls }}
{{- if and .enabled .existingSecret }}
- name: redis-tls
  secret:
    secretName: {{ .existingSecret | quote }}
    items:
      {{- if .caKey }}
      - { key: {{ .caKey | quote }}, path: ca.crt }
      {{- end }}
      {{- if .certKey }}
      - { key: {{ .certKey | quote }}, path: tls.crt }
      - { key: {{ .keyKey | quote }}, path: tls.key }
      {{- end }}
{{- end }}
{{- end }}
{{- with .Values.auth.keySecret }}
{{- if .name }}
- name: auth
  secret:
    secretName: {{ .name | quote }}
    items:
      - { key: {{ .key | quote }}, path: token.key }
{{- end }}
{{- end }}
{{- with .Values.tls.existingSecret }}
- name: tls
  secret: { secretName: {{ . | quote }} }
{{- end }}
{{- with .Values.internalTls.existingSecret }}
- name: internal-tls
  secret: { secretName: {{ . | quote }} }
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Four fifths of what the pod may have, unless config says it. Takes root and role. */}}
{{- define "carillon.memory" -}}
{{- $limit := dig "resources" "limits" "memory" "" (get .root.Values .role) -}}
{{- if kindIs "float64" $limit -}}{{- $limit = int64 $limit -}}{{- end -}}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 -}}
{{- $unit := get $units (regexFind "[A-Za-z]*$" (toString $limit)) -}}
{{- $said := dig "limits" "memory" "" (include "carillon.config" .root | fromJson) -}}
{{- range .root.Values.extraEnv -}}{{- if eq .name "CARILLON_LIMITS__MEMORY" -}}{{- $said = "yes" -}}{{- end -}}{{- end -}}
{{- if and (eq .role "gateway") $limit $unit (not $said) -}}
{{- divf (mulf (regexFind "^[0-9.]+" (toString $limit)) $unit 0.8) 1048576 | floor | int64 -}}MiB
{{- end -}}
{{- end -}}
