{{/*
What each edge needs to send a polling client to its node, to leave a WebSocket alone for an hour, and to speak TLS
to nodes that do.
*/}}

{{- define "carillon.sticky.ingress" -}}
{{- $sticky := .Values.sticky -}}
{{- $tls := .Values.tls.existingSecret -}}
{{- if eq $sticky.edge "ingress-nginx" }}
nginx.ingress.kubernetes.io/affinity: cookie
nginx.ingress.kubernetes.io/affinity-mode: persistent
nginx.ingress.kubernetes.io/session-cookie-name: {{ $sticky.cookie }}
nginx.ingress.kubernetes.io/session-cookie-change-on-failure: "true"
{{- with $sticky.maxAge }}
nginx.ingress.kubernetes.io/session-cookie-max-age: {{ . | int64 | quote }}
{{- end }}
nginx.ingress.kubernetes.io/proxy-read-timeout: "3600"
nginx.ingress.kubernetes.io/proxy-send-timeout: "3600"
nginx.ingress.kubernetes.io/proxy-buffering: "off"
{{- if $tls }}
nginx.ingress.kubernetes.io/backend-protocol: HTTPS
{{- end }}
{{- else if eq $sticky.edge "haproxy" }}
haproxy.org/cookie-persistence: {{ $sticky.cookie }}
haproxy.org/load-balance: leastconn
haproxy.org/timeout-tunnel: 1h
{{- if $tls }}
haproxy.org/server-ssl: "true"
{{- end }}
{{- else if eq $sticky.edge "aws-alb" }}
alb.ingress.kubernetes.io/target-type: ip
alb.ingress.kubernetes.io/target-group-attributes: stickiness.enabled=true,stickiness.type=lb_cookie,stickiness.lb_cookie.duration_seconds={{ default 86400 $sticky.maxAge | int64 }}
alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout.timeout_seconds=3600
alb.ingress.kubernetes.io/healthcheck-port: "8001"
alb.ingress.kubernetes.io/healthcheck-path: /readyz
alb.ingress.kubernetes.io/healthcheck-protocol: {{ include "carillon.internalScheme" . | upper }}
{{- if $tls }}
alb.ingress.kubernetes.io/backend-protocol: HTTPS
{{- end }}
{{- end }}
{{- end -}}

{{- define "carillon.sticky.service" -}}
{{- $sticky := .Values.sticky -}}
{{- if eq $sticky.edge "traefik" }}
traefik.ingress.kubernetes.io/service.sticky.cookie: "true"
traefik.ingress.kubernetes.io/service.sticky.cookie.name: {{ $sticky.cookie }}
traefik.ingress.kubernetes.io/service.sticky.cookie.httponly: "true"
{{- if .Values.tls.existingSecret }}
traefik.ingress.kubernetes.io/service.serversscheme: https
{{- end }}
{{- else if eq $sticky.edge "gce" }}
cloud.google.com/neg: '{"ingress": true}'
cloud.google.com/backend-config: '{"default": {{ include "carillon.fullname" . | quote }}}'
{{- if .Values.tls.existingSecret }}
cloud.google.com/app-protocols: '{"public": "HTTPS"}'
{{- end }}
{{- end }}
{{- end -}}
