{{/* Where nodes go by themselves. */}}

{{/* The ports of Redis; behind sentinels the primary has one of its own, the usual one unless redisPorts names it. */}}
{{- define "carillon.egressPorts" -}}
{{- $usual := ternary "26379" "6379" (eq .Values.redis.mode "sentinel") -}}
{{- $ports := list -}}
{{- range .Values.redis.addresses -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" . | trimPrefix ":" | default $usual | int) -}}
{{- end -}}
{{- range .Values.networkPolicy.egress.redisPorts -}}{{- $ports = append $ports (int .) -}}{{- end -}}
{{- if and (eq .Values.redis.mode "sentinel") (not .Values.networkPolicy.egress.redisPorts) -}}
{{- $ports = append $ports 6379 -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}

{{/* The ports of those whom config names by a URL: who issues keys, who knows the users, who collects traces. */}}
{{- define "carillon.otherPorts" -}}
{{- $config := include "carillon.config" . | fromJson -}}
{{- $ports := list -}}
{{- range compact (list (dig "auth" "jwks" "" $config) (dig "auth" "hook" "url" "" $config) (dig "telemetry" "otlp_endpoint" "" $config)) -}}
{{- $usual := ternary "443" "80" (hasPrefix "https://" .) -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" (urlParse .).host | trimPrefix ":" | default $usual | int) -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}
