{{/* The settings file: what the chart knows, then config, then extraConfig. */}}

{{- define "carillon.redis.given" -}}
{{- if or .Values.redis.addresses .Values.redis.urlSecret.name -}}yes{{- end -}}
{{- end -}}

{{- define "carillon.redis.hasPassword" -}}
{{- if and .Values.redis.addresses (or .Values.redis.password .Values.redis.existingSecret) -}}yes{{- end -}}
{{- end -}}

{{- define "carillon.redis.secret" -}}
{{- default (printf "%s-redis" (include "carillon.fullname" .)) .Values.redis.existingSecret -}}
{{- end -}}

{{/* The URL without its password, which is in a file. */}}
{{- define "carillon.redis.url" -}}
{{- $redis := .Values.redis -}}
{{- $schemes := dict "standalone" "redis" "sentinel" "redis-sentinel" "cluster" "redis-cluster" -}}
{{- $scheme := get $schemes $redis.mode -}}
{{- if $redis.tls.enabled -}}{{- $scheme = replace "redis" "rediss" $scheme -}}{{- end -}}
{{- $query := list -}}
{{- if eq $redis.mode "sentinel" -}}
{{- $query = append $query (printf "sentinelServiceName=%s" (urlquery $redis.sentinelMaster)) -}}
{{- end -}}
{{- $usual := ternary "26379" "6379" (eq $redis.mode "sentinel") -}}
{{- /* Only the first may go without a port. */ -}}
{{- range rest $redis.addresses -}}
{{- $query = append $query (printf "node=%s" (ternary . (printf "%s:%s" . $usual) (regexMatch ":[0-9]+$" .))) -}}
{{- end -}}
{{- $scheme }}://{{ with $redis.username }}{{ urlquery . }}@{{ end }}{{ first $redis.addresses -}}
{{- if gt (int $redis.database) 0 }}/{{ int $redis.database }}{{ end -}}
{{- with $query }}?{{ join "&" . }}{{ end -}}
{{- end -}}

{{/* What the release says of the settings, as JSON. */}}
{{- define "carillon.config" -}}
{{- mergeOverwrite (dict) (deepCopy .Values.config) (deepCopy .Values.extraConfig) | toJson -}}
{{- end -}}

{{- define "carillon.settings" -}}
{{- $public := dict "addr" (printf "%s:8000" .Values.listenAddress) -}}
{{- if .Values.serveClient -}}
{{- $_ := set $public "serve_client" "/usr/share/carillon/socket.io.min.js" -}}
{{- end -}}
{{- if .Values.tls.existingSecret -}}
{{- $_ := set $public "tls" (dict "cert" "/etc/carillon/tls/tls.crt" "key" "/etc/carillon/tls/tls.key") -}}
{{- else -}}
{{- $_ := set $public "plaintext" true -}}
{{- end -}}
{{- $internal := dict "addr" (printf "%s:8001" .Values.listenAddress) "api_key_files" (list "/etc/carillon/keys") -}}
{{- with .Values.internalTls -}}
{{- if .existingSecret -}}
{{- $tls := dict "cert" "/etc/carillon/internal-tls/tls.crt" "key" "/etc/carillon/internal-tls/tls.key" -}}
{{- with .clientCaKey -}}{{- $_ := set $tls "client_ca" (printf "/etc/carillon/internal-tls/%s" .) -}}{{- end -}}
{{- $_ := set $internal "tls" $tls -}}
{{- end -}}
{{- end -}}
{{- $tree := dict "public" $public "internal" $internal "telemetry" (dict "log_format" "json") -}}
{{- if include "carillon.redis.given" . -}}
{{- $redis := dict -}}
{{- if not .Values.redis.urlSecret.name -}}{{- $_ := set $redis "url" (include "carillon.redis.url" .) -}}{{- end -}}
{{- if include "carillon.redis.hasPassword" . -}}{{- $_ := set $redis "password_file" "/etc/carillon/redis/password" -}}{{- end -}}
{{- $tls := dict -}}
{{- if and .Values.redis.tls.enabled .Values.redis.tls.existingSecret -}}
{{- if .Values.redis.tls.caKey -}}{{- $_ := set $tls "ca" "/etc/carillon/redis-tls/ca.crt" -}}{{- end -}}
{{- if .Values.redis.tls.certKey -}}
{{- $_ := set $tls "cert" "/etc/carillon/redis-tls/tls.crt" -}}
{{- $_ := set $tls "key" "/etc/carillon/redis-tls/tls.key" -}}
{{- end -}}
{{- end -}}
{{- if $tls -}}{{- $_ := set $redis "tls" $tls -}}{{- end -}}
{{- if $redis -}}{{- $_ := set $tree "redis" $redis -}}{{- end -}}
{{- end -}}
{{- if .Values.auth.keySecret.name -}}{{- $_ := set $tree "auth" (dict "key" "/etc/carillon/auth/token.key") -}}{{- end -}}
{{- $tree := mergeOverwrite $tree (deepCopy .Values.config) (deepCopy .Values.extraConfig) -}}
{{- include "carillon.toml" (dict "path" "" "tree" $tree) | trim -}}
{{- end -}}

{{/* A tree as TOML: a section's own values first, then the sections in it. Helm's own toToml writes 1000 as 1000.0. */}}
{{- define "carillon.toml" -}}
{{- $path := .path -}}
{{- range $key, $value := .tree -}}
{{- if not (or (kindIs "map" $value) (kindIs "invalid" $value)) }}
{{ include "carillon.toml.key" $key }} = {{ include "carillon.toml.value" $value }}
{{- end -}}
{{- end -}}
{{- range $key, $value := .tree -}}
{{- if and (kindIs "map" $value) $value -}}
{{- $section := printf "%s%s" (ternary "" (printf "%s." $path) (empty $path)) (include "carillon.toml.key" $key) -}}
{{- $inside := include "carillon.toml" (dict "path" $section "tree" $value) -}}
{{- if not (hasPrefix "\n\n[" $inside) }}

[{{ $section }}]
{{- end -}}
{{- $inside -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "carillon.toml.key" -}}
{{- if regexMatch "^[A-Za-z0-9_-]+$" . -}}{{- . -}}{{- else -}}{{- toJson . -}}{{- end -}}
{{- end -}}

{{- define "carillon.toml.value" -}}
{{- if kindIs "string" . -}}
{{- toRawJson . -}}
{{- else if kindIs "slice" . -}}
{{- $items := list -}}
{{- range . -}}{{- $items = append $items (include "carillon.toml.value" .) -}}{{- end -}}
[{{ join ", " $items }}]
{{- else if kindIs "float64" . -}}
{{- if eq (float64 (int64 .)) . -}}{{- int64 . -}}{{- else -}}{{- . -}}{{- end -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* A time such as "1m 30s" in whole seconds, rounded up. */}}
{{- define "carillon.seconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "sec" 1000 "m" 60000 "min" 60000 "h" 3600000 -}}
{{- $sum := 0 -}}
{{- if not (regexMatch "^([0-9]+ *[a-z]+ *)+$" (toString .)) -}}
{{- fail (printf "config.drain.grace: %q is no time that the chart can read: write it like 1m 30s" (toString .)) -}}
{{- end -}}
{{- range regexFindAll "[0-9]+ *[a-z]+" (toString .) -1 -}}
{{- $unit := regexFind "[a-z]+" . -}}
{{- if not (hasKey $units $unit) -}}
{{- fail (printf "config.drain.grace: %q is no time that the chart can read: write it in h, m, s or ms" .) -}}
{{- end -}}
{{- $sum = add $sum (mul (regexFind "[0-9]+" . | int64) (get $units $unit)) -}}
{{- end -}}
{{- div (add $sum 999) 1000 -}}
{{- end -}}

{{/* What draining takes at most, the wait for balancers included. */}}
{{- define "carillon.drainSeconds" -}}
{{- include "carillon.seconds" (dig "drain" "grace" "25s" (include "carillon.config" . | fromJson)) -}}
{{- end -}}

{{- define "carillon.graceSeconds" -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds -}}
{{- add (include "carillon.drainSeconds" . | int) 10 -}}
{{- else -}}
{{- int .Values.terminationGracePeriodSeconds -}}
{{- end -}}
{{- end -}}

{{/* How often one may go: after the last has, and as seldom as an autoscaler can be told. */}}
{{- define "carillon.scaleDownPeriod" -}}
{{- min 1800 (add 30 (include "carillon.graceSeconds" .)) -}}
{{- end -}}

{{/* How many pods a role has, unless something else counts them. Takes root and role. */}}
{{- define "carillon.replicas" -}}
{{- $own := (get .root.Values .role).replicas -}}
{{- if kindIs "invalid" $own -}}{{- ternary 3 1 (eq (include "carillon.redis.given" .root) "yes") -}}{{- else -}}{{- int $own -}}{{- end -}}
{{- end -}}

{{- define "carillon.scaled" -}}
{{- $own := get .root.Values .role -}}
{{- if or $own.autoscaling.enabled $own.keda.enabled -}}yes{{- end -}}
{{- end -}}

{{/* Whether a role has several pods. */}}
{{- define "carillon.several" -}}
{{- if or (include "carillon.scaled" .) (gt (include "carillon.replicas" . | int) 1) -}}yes{{- end -}}
{{- end -}}
