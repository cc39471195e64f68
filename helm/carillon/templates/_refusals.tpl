{{/* What would install and then not work, or be open to everyone: refused with what to do. */}}

{{- define "carillon.refusals" -}}
{{- include "carillon.refusals.redis" . -}}
{{- include "carillon.refusals.access" . -}}
{{- include "carillon.refusals.pods" . -}}
{{- include "carillon.refusals.edge" . -}}
{{- include "carillon.refusals.kinds" . -}}
{{- end -}}

{{- define "carillon.refusals.redis" -}}
{{- $redis := .Values.redis -}}
{{- $given := include "carillon.redis.given" . -}}
{{- if and (not $given) (include "carillon.several" (dict "root" . "role" "gateway")) -}}
{{- fail "gateway: several nodes need a Redis to be one. Set redis.addresses (or redis.urlSecret), or gateway.replicas=1 without autoscaling." -}}
{{- end -}}
{{- if and (not $given) .Values.ingest.enabled -}}
{{- fail "ingest.enabled: what ingest takes in reaches the gateways by Redis alone. Set redis.addresses (or redis.urlSecret), or leave ingest.enabled out." -}}
{{- end -}}
{{- if and $redis.addresses $redis.urlSecret.name -}}
{{- fail "redis: addresses and urlSecret both say where Redis is. Keep one." -}}
{{- end -}}
{{- if and $redis.password $redis.existingSecret -}}
{{- fail "redis: password and existingSecret both give a password. Keep existingSecret." -}}
{{- end -}}
{{- if and (eq $redis.mode "standalone") (gt (len $redis.addresses) 1) -}}
{{- fail "redis.addresses: a standalone Redis has one address. Set redis.mode to sentinel or cluster." -}}
{{- end -}}
{{- if and (eq $redis.mode "sentinel") $redis.addresses (not $redis.sentinelMaster) -}}
{{- fail "redis.sentinelMaster: say how the sentinels call the primary; their documentation's example is mymaster." -}}
{{- end -}}
{{- if and (ne $redis.mode "standalone") (gt (int $redis.database) 0) -}}
{{- fail "redis.database: only a standalone Redis is given a database. Set it to 0, and config.redis.prefix to keep releases apart." -}}
{{- end -}}
{{- if and $redis.tls.certKey (not $redis.tls.keyKey) -}}
{{- fail "redis.tls.keyKey: a certificate is of no use without its key. Name its entry, tls.key in a secret of cert-manager." -}}
{{- end -}}
{{- end -}}

{{- define "carillon.refusals.access" -}}
{{- $auth := mergeOverwrite (dict) (deepCopy (dig "auth" (dict) .Values.config)) (deepCopy (dig "auth" (dict) .Values.extraConfig)) -}}
{{- $mode := get $auth "mode" | default "none" -}}
{{- if and (eq $mode "none") (not (get $auth "allow_anonymous")) -}}
{{- fail "config.auth: the nodes' address is open to others, and without auth whoever connects may name any user. Set config.auth.mode to token (with auth.keySecret or config.auth.jwks) or to hook (with config.auth.hook.url); or, if that is meant, config.auth.allow_anonymous=true." -}}
{{- end -}}
{{- if and (eq $mode "token") (not .Values.auth.keySecret.name) (not (get $auth "jwks")) (not (get $auth "key")) -}}
{{- fail "config.auth.mode=token: name the secret with the key in auth.keySecret, or a key set in config.auth.jwks." -}}
{{- end -}}
{{- if and (eq $mode "hook") (not (dig "hook" "url" "" $auth)) -}}
{{- fail "config.auth.mode=hook: say in config.auth.hook.url who is asked." -}}
{{- end -}}
{{- end -}}

{{- define "carillon.refusals.pods" -}}
{{- $drain := include "carillon.drainSeconds" . | int -}}
{{- if le (include "carillon.graceSeconds" . | int) $drain -}}
{{- fail (printf "terminationGracePeriodSeconds: draining takes %d s (config.drain.grace), and the pod would be killed in the midst of it. Write %d or more, or leave it out." $drain (add $drain 5)) -}}
{{- end -}}
{{- range $role := list "gateway" "ingest" -}}
{{- $own := get $.Values $role -}}
{{- if and $own.autoscaling.enabled $own.keda.enabled -}}
{{- fail (printf "%s: autoscaling and keda would both count the pods. Keep one." $role) -}}
{{- end -}}
{{- if and $own.keda.enabled (not $own.keda.serverAddress) -}}
{{- fail (printf "%s.keda.serverAddress: say where Prometheus is, such as http://prometheus-operated.monitoring.svc:9090." $role) -}}
{{- end -}}
{{- $counts := $own.autoscaling -}}
{{- if and $counts.enabled (not (get $counts "sockets")) (not $counts.cpu) -}}
{{- fail (printf "%s.autoscaling: there is nothing to count. Set cpu%s." $role (ternary " or sockets" "" (eq $role "gateway"))) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "carillon.refusals.edge" -}}
{{- $edge := .Values.sticky.edge -}}
{{- if and .Values.ingress.enabled (has $edge (list "envoy-gateway" "istio")) -}}
{{- fail (printf "sticky.edge=%s does nothing for an Ingress. Name the controller of the Ingress, or use httpRoute." $edge) -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (has $edge (list "ingress-nginx" "haproxy" "aws-alb")) -}}
{{- fail (printf "sticky.edge=%s does nothing for an HTTPRoute. Name the gateway, or use ingress." $edge) -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.parentRefs: name the Gateway that the route belongs to, such as [{name: public, namespace: gateways}]." -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.hosts: name a host, such as [push.example.com]." -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled .Values.networkPolicy.egress.enabled .Values.redis.urlSecret.name (not .Values.networkPolicy.egress.redisPorts) -}}
{{- fail "networkPolicy.egress.redisPorts: redis.urlSecret hides the port of Redis, and the policy would not let nodes out to it. Write [6379], or whichever it is." -}}
{{- end -}}
{{- end -}}

{{/* A kind that the cluster lacks would vanish or fail late. */}}
{{- define "carillon.refusals.kinds" -}}
{{- $metrics := .Values.metrics -}}
{{- if and $metrics.podMonitor.enabled $metrics.serviceMonitor.enabled -}}
{{- fail "metrics: podMonitor and serviceMonitor would both have every node asked. Keep podMonitor." -}}
{{- end -}}
{{- $wanted := list
  (list "httpRoute.enabled" .Values.httpRoute.enabled "gateway.networking.k8s.io/v1/HTTPRoute")
  (list "gateway.keda.enabled" .Values.gateway.keda.enabled "keda.sh/v1alpha1/ScaledObject")
  (list "ingest.keda.enabled" .Values.ingest.keda.enabled "keda.sh/v1alpha1/ScaledObject")
  (list "metrics.podMonitor.enabled" $metrics.podMonitor.enabled "monitoring.coreos.com/v1/PodMonitor")
  (list "metrics.serviceMonitor.enabled" $metrics.serviceMonitor.enabled "monitoring.coreos.com/v1/ServiceMonitor")
  (list "metrics.prometheusRule.enabled" $metrics.prometheusRule.enabled "monitoring.coreos.com/v1/PrometheusRule")
  (list "sticky.edge=envoy-gateway" (eq .Values.sticky.edge "envoy-gateway") "gateway.envoyproxy.io/v1alpha1/BackendTrafficPolicy")
  (list "sticky.edge=istio" (eq .Values.sticky.edge "istio") "networking.istio.io/v1/DestinationRule")
  (list "sticky.edge=gce" (eq .Values.sticky.edge "gce") "cloud.google.com/v1/BackendConfig") -}}
{{- range $wanted -}}
{{- if and (index . 1) (not ($.Capabilities.APIVersions.Has (index . 2))) -}}
{{- fail (printf "%s: this cluster does not know %s. Install its CRDs first; without a cluster, add --api-versions %s." (index . 0) (index . 2) (index . 2)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
