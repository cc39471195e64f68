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

{{- define "carillon.asksHttps" -}}
{{- $auth := dig "auth" (dict) .Values.config -}}
{{- if or (hasPrefix "https://" (get $auth "jwks" | default "")) (hasPrefix "https://" (dig "hook" "url" "" $auth)) -}}yes{{- end -}}
{{- end -}}

{{/* Where the collector of traces listens; empty without one. */}}
{{- define "carillon.otlpPort" -}}
{{- $endpoint := dig "telemetry" "otlp_endpoint" "" .Values.config -}}
{{- if $endpoint -}}
{{- $usual := ternary "443" "80" (hasPrefix "https://" $endpoint) -}}
{{- regexFind ":[0-9]+$" (urlParse $endpoint).host | trimPrefix ":" | default $usual -}}
{{- end -}}
{{- end -}}
