{{/* What would install and then not work, or be open to everyone: refused with what to do. */}}

{{- define "carillon.refusals" -}}
{{- include "carillon.refusals.names" . -}}
{{- include "carillon.refusals.redis" . -}}
{{- include "carillon.refusals.access" . -}}
{{- include "carillon.refusals.pods" . -}}
{{- include "carillon.refusals.counts" (dict "root" . "role" "gateway") -}}
{{- if .Values.ingest.enabled -}}{{- include "carillon.refusals.counts" (dict "root" . "role" "ingest") -}}{{- end -}}
{{- include "carillon.refusals.edge" . -}}
{{- include "carillon.refusals.kinds" . -}}
{{- end -}}

{{/* Takes pairs: whether it is so, and what to do then. */}}
{{- define "carillon.refuse" -}}
{{- range . -}}{{- if first . -}}{{- fail (last .) -}}{{- end -}}{{- end -}}
{{- end -}}

{{- define "carillon.refusals.names" -}}
{{- $name := include "carillon.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "fullnameOverride: %q cannot be the name of a Service, which begins with a letter and holds small letters, digits and dashes. Set one that can." $name) -}}
{{- end -}}
{{- range $values := list "commonLabels" "podLabels" -}}
{{- range $label, $_ := get $.Values $values -}}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|version|component|part-of|managed-by)|helm\\.sh/chart)$" $label -}}
{{- fail (printf "%s: %s is the chart's own, which finds its pods by such labels. Leave it out; nameOverride changes the name." $values $label) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if has .name (list "POD_IP" "CARILLON_INGEST__CONSUMER" "CARILLON_INTERNAL__ADVERTISE" "CARILLON_REDIS__URL") -}}
{{- fail (printf "extraEnv: %s is the chart's own affair. Leave it out; a URL of Redis goes into redis.urlSecret." .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "carillon.refusals.redis" -}}
{{- $redis := .Values.redis -}}
{{- $tls := $redis.tls -}}
{{- $given := include "carillon.redis.given" . -}}
{{- $settings := omit (dig "redis" (dict) (include "carillon.config" . | fromJson)) "prefix" -}}
{{- $beside := or $redis.username $redis.password $redis.existingSecret $redis.sentinelMaster $redis.database -}}
{{- include "carillon.refuse" (list
  (list (and (not $given) (or $beside $tls.enabled $settings (ne $redis.mode "standalone")))
    "redis.addresses: the other values of redis, and config.redis, do nothing while nothing says where it is. Set redis.addresses (or redis.urlSecret).")
  (list (and (not $given) (include "carillon.several" (dict "root" . "role" "gateway")))
    "gateway: several nodes need a Redis to be one. Set redis.addresses (or redis.urlSecret), or gateway.replicas=1 without autoscaling.")
  (list (and (not $given) .Values.ingest.enabled)
    "ingest.enabled: what ingest takes in reaches the gateways by Redis alone. Set redis.addresses (or redis.urlSecret), or leave ingest.enabled out.")
  (list (and $redis.addresses $redis.urlSecret.name)
    "redis: addresses and urlSecret both say where Redis is. Keep one.")
  (list (and $redis.urlSecret.name $beside)
    "redis.urlSecret: the whole URL is in that secret, with user, password, database and sentinels. Leave those values out.")
  (list (and $redis.password $redis.existingSecret)
    "redis: password and existingSecret both give a password. Keep existingSecret.")
  (list (and (eq $redis.mode "standalone") (gt (len $redis.addresses) 1))
    "redis.addresses: a standalone Redis has one address. Set redis.mode to sentinel or cluster.")
  (list (and (eq $redis.mode "sentinel") $redis.addresses (not $redis.sentinelMaster))
    "redis.sentinelMaster: say how the sentinels call the primary; their documentation's example is mymaster.")
  (list (and (ne $redis.mode "sentinel") $redis.sentinelMaster)
    "redis.sentinelMaster: only sentinels are asked for a primary by name. Set redis.mode=sentinel, with their addresses.")
  (list (and (ne $redis.mode "standalone") (gt (int $redis.database) 0))
    "redis.database: only a standalone Redis is given a database. Set it to 0, and config.redis.prefix to keep releases apart.")
  (list (and $tls.existingSecret (not $tls.enabled))
    "redis.tls.existingSecret: it is of no use unless TLS is spoken. Set redis.tls.enabled=true.")
  (list (and $tls.existingSecret (not $tls.caKey) (not $tls.certKey))
    "redis.tls.existingSecret: say which of its entries is meant, in caKey or certKey.")
  (list (and $tls.certKey (not $tls.existingSecret))
    "redis.tls.certKey: name the secret that it is an entry of, in redis.tls.existingSecret.")
  (list (ne (empty $tls.certKey) (empty $tls.keyKey))
    "redis.tls.keyKey: a certificate is of no use without its key, nor the key alone. Name both entries, tls.crt and tls.key in a secret of cert-manager.")
) -}}
{{- end -}}

{{- define "carillon.refusals.access" -}}
{{- $auth := dig "auth" (dict) (include "carillon.config" . | fromJson) -}}
{{- $mode := get $auth "mode" | default "none" -}}
{{- $keys := .Values.apiKeys -}}
{{- include "carillon.refuse" (list
  (list (and (eq $mode "none") (not (get $auth "allow_anonymous")))
    "config.auth: the nodes' address is open to others, and without auth whoever connects may name any user. Set config.auth.mode to token (with auth.keySecret or config.auth.jwks) or to hook (with config.auth.hook.url); or, if that is meant, config.auth.allow_anonymous=true.")
  (list (and (eq $mode "token") (not .Values.auth.keySecret.name) (not (get $auth "jwks")) (not (get $auth "key")))
    "config.auth.mode=token: name the secret with the key in auth.keySecret, or a key set in config.auth.jwks.")
  (list (and (eq $mode "hook") (not (dig "hook" "url" "" $auth)))
    "config.auth.mode=hook: say in config.auth.hook.url who is asked.")
  (list (and (not $keys.existingSecret) (or $keys.probeKey $keys.existingSecretKeys))
    "apiKeys: existingSecretKeys and probeKey are entries of a secret. Name it in apiKeys.existingSecret.")
  (list (and $keys.probeKey (or (not $keys.existingSecretKeys) (has $keys.probeKey $keys.existingSecretKeys)))
    "apiKeys.existingSecretKeys: name the entries that hold lines `name:scopes:key`, and not probeKey, which nodes would take for a key that may do everything.")
  (list (and .Values.internalTls.clientCaKey (not .Values.internalTls.existingSecret))
    "internalTls.clientCaKey: nobody is asked for a certificate where no TLS is spoken. Name the secret in internalTls.existingSecret.")
) -}}
{{- end -}}

{{- define "carillon.refusals.pods" -}}
{{- $drain := include "carillon.drainSeconds" . | int -}}
{{- include "carillon.refuse" (list
  (list (le (include "carillon.graceSeconds" . | int) $drain)
    (printf "terminationGracePeriodSeconds: draining takes %d s (config.drain.grace), and the pod would be killed in the midst of it. Write %d or more, or leave it out." $drain (add $drain 5)))
  (list (and (not .Values.ingest.enabled) (or .Values.ingest.autoscaling.enabled .Values.ingest.keda.enabled))
    "ingest: there are no pods of its own to count. Set ingest.enabled=true, or leave ingest.autoscaling and ingest.keda out.")
) -}}
{{- end -}}

{{/* How many pods of a role there are, and may be away. Takes root and role. */}}
{{- define "carillon.refusals.counts" -}}
{{- $role := .role -}}
{{- $own := get .root.Values $role -}}
{{- $counts := ternary $own.keda $own.autoscaling $own.keda.enabled -}}
{{- $least := ternary (int $counts.minReplicas) (include "carillon.replicas" . | int) (ne (include "carillon.scaled" .) "") -}}
{{- $budget := $own.podDisruptionBudget -}}
{{- $stays := $budget.minAvailable -}}
{{- $holds := ternary
  (or (eq (toString $stays) "100%") (and (not (hasSuffix "%" (toString $stays))) (ge (int $stays) $least)))
  (has (toString $budget.maxUnavailable) (list "0" "0%")) (not (empty $stays)) -}}
{{- include "carillon.refuse" (list
  (list (and $own.autoscaling.enabled $own.keda.enabled)
    (printf "%s: autoscaling and keda would both count the pods. Keep one." $role))
  (list (and $own.keda.enabled (not $own.keda.serverAddress))
    (printf "%s.keda.serverAddress: say where Prometheus is, such as http://prometheus-operated.monitoring.svc:9090." $role))
  (list (and $own.autoscaling.enabled (not (get $own.autoscaling "sockets")) (not $own.autoscaling.cpu))
    (printf "%s.autoscaling: there is nothing to count. Set cpu%s." $role (ternary " or sockets" "" (eq $role "gateway"))))
  (list (and $own.autoscaling.enabled $own.autoscaling.cpu (not (dig "requests" "cpu" "" ($own.resources | default dict))))
    (printf "%s.autoscaling.cpu: it is counted in percent of what is requested. Set %s.resources.requests.cpu, or cpu to 0." $role $role))
  (list (and (include "carillon.scaled" .) (gt (int $counts.minReplicas) (int $counts.maxReplicas)))
    (printf "%s: minReplicas is %d and maxReplicas %d. Raise the latter." $role (int $counts.minReplicas) (int $counts.maxReplicas)))
  (list (and $budget.enabled (include "carillon.several" .) $holds)
    (printf "%s.podDisruptionBudget: of %d pods none may ever be away, so no machine could be emptied. Leave it as it is, or raise maxUnavailable." $role $least))
) -}}
{{- end -}}

{{- define "carillon.refusals.edge" -}}
{{- $edge := .Values.sticky.edge -}}
{{- $policy := .Values.networkPolicy -}}
{{- $type := .Values.service.type -}}
{{- include "carillon.refuse" (list
  (list (and .Values.ingress.enabled (has $edge (list "envoy-gateway" "istio")))
    (printf "sticky.edge=%s does nothing for an Ingress. Name the controller of the Ingress, or use httpRoute." $edge))
  (list (and .Values.httpRoute.enabled (has $edge (list "ingress-nginx" "haproxy" "aws-alb" "gce")))
    (printf "sticky.edge=%s does nothing for an HTTPRoute. Name the gateway, or use ingress." $edge))
  (list (and (eq $edge "envoy-gateway") (not .Values.httpRoute.enabled))
    "sticky.edge=envoy-gateway is a policy for the chart's own HTTPRoute. Set httpRoute.enabled=true.")
  (list (and (has $edge (list "aws-alb" "gce")) $policy.enabled (not $policy.internalFrom))
    (printf "networkPolicy.internalFrom: with sticky.edge=%s the balancer asks for /readyz at the internal port, where only the namespace is let in. Name its addresses too, such as [{podSelector: {}}, {ipBlock: {cidr: %s}}]." $edge (ternary "35.191.0.0/16}}, {ipBlock: {cidr: 130.211.0.0/22" "10.0.0.0/16" (eq $edge "gce"))))
  (list (and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs))
    "httpRoute.parentRefs: name the Gateway that the route belongs to, such as [{name: public, namespace: gateways}].")
  (list (and .Values.ingress.enabled (not .Values.ingress.hosts))
    "ingress.hosts: name a host, such as [push.example.com].")
  (list (and (eq $type "ClusterIP") (or .Values.service.nodePort .Values.service.externalTrafficPolicy))
    "service.type=ClusterIP has neither nodePort nor externalTrafficPolicy. Leave them out, or set NodePort or LoadBalancer.")
  (list (and (ne $type "LoadBalancer") (or .Values.service.loadBalancerClass .Values.service.loadBalancerSourceRanges))
    (printf "service.type=%s has neither loadBalancerClass nor loadBalancerSourceRanges. Leave them out, or set LoadBalancer." $type))
  (list (and $policy.enabled $policy.egress.enabled .Values.redis.urlSecret.name (not $policy.egress.redisPorts))
    "networkPolicy.egress.redisPorts: redis.urlSecret hides the port of Redis, and the policy would not let nodes out to it. Write [6379], or whichever it is.")
) -}}
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
