{{/* What each edge needs to send a polling client to its node, and to leave a WebSocket alone for an hour. */}}

{{- define "carillon.sticky.ingress" -}}
{{- $sticky := .Values.sticky -}}
{{- if eq $sticky.edge "ingress-nginx" }}
nginx.ingress.kubernetes.io/affinity: cookie
nginx.ingress.kubernetes.io/affinity-mode: persistent
nginx.ingress.kubernetes.io/session-cookie-name: {{ $sticky.cookie }}
nginx.ingress.kubernetes.io/session-cookie-change-on-failure: "true"
{{- with $sticky.maxAge }}
nginx.ingress.kubernetes.io/session-cookie-max-age: {{ . | quote }}
{{- end }}
nginx.ingress.kubernetes.io/proxy-read-timeout: "3600"
nginx.ingress.kubernetes.io/proxy-send-timeout: "3600"
nginx.ingress.kubernetes.io/proxy-buffering: "off"
{{- else if eq $sticky.edge "haproxy" }}
haproxy.org/cookie-persistence: {{ $sticky.cookie }}
haproxy.org/load-balance: leastconn
haproxy.org/timeout-tunnel: 1h
{{- else if eq $sticky.edge "aws-alb" }}
alb.ingress.kubernetes.io/target-type: ip
alb.ingress.kubernetes.io/target-group-attributes: stickiness.enabled=true,stickiness.type=lb_cookie,stickiness.lb_cookie.duration_seconds={{ default 86400 $sticky.maxAge }}
alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout.timeout_seconds=3600
alb.ingress.kubernetes.io/healthcheck-port: "8001"
alb.ingress.kubernetes.io/healthcheck-path: /readyz
{{- end }}
{{- end -}}

{{- define "carillon.sticky.service" -}}
{{- $sticky := .Values.sticky -}}
{{- if eq $sticky.edge "traefik" }}
traefik.ingress.kubernetes.io/service.sticky.cookie: "true"
traefik.ingress.kubernetes.io/service.sticky.cookie.name: {{ $sticky.cookie }}
traefik.ingress.kubernetes.io/service.sticky.cookie.httponly: "true"
{{- else if eq $sticky.edge "gce" }}
cloud.google.com/neg: '{"ingress": true}'
cloud.google.com/backend-config: '{"default": {{ include "carillon.fullname" . | quote }}}'
{{- end }}
{{- end -}}
