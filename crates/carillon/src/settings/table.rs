//! Every setting: its name, its default, a form that would do, and what it does.

use crate::settings::value::{Shape, Value};

/// One setting.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// As the environment would give it; empty for "none".
    pub(super) default: &'static str,
    /// What to write instead of a mistake.
    pub(super) form: &'static str,
    pub(super) about: &'static str,
    /// Its value is never shown.
    pub(super) secret: bool,
}

impl Entry {
    pub(super) fn default_value(&self) -> Value {
        Value::from_text(self.shape, self.default).expect("a test reads every default")
    }

    const fn list(self) -> Self {
        Self { shape: Shape::List, ..self }
    }

    const fn map(self) -> Self {
        Self { shape: Shape::Map, ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

const fn text(
    name: &'static str,
    default: &'static str,
    form: &'static str,
    about: &'static str,
) -> Entry {
    Entry { name, shape: Shape::Text, default, form, about, secret: false }
}

pub(super) fn find(name: &str) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.name == name)
}

/// Whether settings of this section exist: `public`, `public.tls`.
pub(super) fn is_section(name: &str) -> bool {
    let within =
        |entry: &Entry| entry.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    TABLE.iter().any(within)
}

/// The setting whose name is most like this one, if any is alike enough.
pub(super) fn nearest(name: &str, alike_min: f64) -> Option<&'static Entry> {
    let alike = |entry: &Entry| {
        let last = entry.name.rsplit('.').next().unwrap_or(entry.name);
        let whole = strsim::normalized_damerau_levenshtein(name, entry.name);
        whole.max(strsim::normalized_damerau_levenshtein(name, last))
    };
    let mut best = None;
    for entry in TABLE {
        let score = alike(entry);
        if score >= alike_min && best.is_none_or(|(_, top)| score > top) {
            best = Some((entry, score));
        }
    }
    best.map(|(entry, _)| entry)
}

/// In reading order, section by section.
pub(super) const TABLE: &[Entry] = &[
    text("roles", "gateway,ingest", r#"["gateway", "ingest"]"#,
        "What this process does: `gateway` ends sockets, `ingest` takes worker messages.").list(),
    // public
    text("public.addr", "127.0.0.1:8000", "127.0.0.1:8000",
        "Where Socket.IO, WebSocket and server-sent events are served. Beyond loopback it needs \
         `public.tls.cert` or `public.plaintext`, and `auth.allow_anonymous` while `auth.mode` is `none`."),
    text("public.path", "/socket.io/", "/socket.io/",
        "The path that Socket.IO clients connect to; begins and ends with a slash."),
    text("public.origins", "", r#"["https://app.example.com", "*.example.com"]"#,
        "Pages of these origins may connect, exact or `*.example.com`. Empty: same origin only. A \
         client that sends no `Origin` is no browser, and allowed.").list(),
    text("public.plaintext", "false", "true",
        "Serve a non-loopback address without TLS, because TLS ends in front of the node."),
    text("public.serve_client", "", "/srv/socket.io.min.js",
        "The official client for browsers, a file served as `/socket.io/socket.io.js`, with the `.map` beside \
         it if there is one."),
    text("public.ping_interval", "25s", "25s", "How often the two sides of a socket show life."),
    text("public.ping_timeout", "20s", "20s", "How long a sign of life may be late before the socket is gone."),
    text("public.namespaces", "/,/notice", r#"["/", "/notice"]"#,
        "The Socket.IO namespaces that clients may connect to.").list(),
    text("public.conformance", "off", "engine",
        "`engine` or `socket`: answer as the official Engine.IO or Socket.IO protocol suite expects. For \
         those suites only, on loopback only."),
    text("public.trusted_proxies", "", r#"["10.0.0.0/8"]"#,
        "Addresses, or networks of them, of proxies that say whom they speak for: that is then the client's \
         address for limits, logs, `/v1/sockets` and the backend of `auth.hook.url`. Nobody else is believed.").list(),
    text("public.forwarded_header", "x-forwarded-for", "forwarded",
        "The header in which those proxies name a request's client: `x-forwarded-for`, or `forwarded` \
         (RFC 7239). The one that they write: the other they may pass on from anybody."),
    text("public.proxy_protocol", "false", "true",
        "Those proxies begin each connection with a header of the PROXY protocol, version 1 or 2, before TLS; \
         one that does not is cut."),
    text("public.tls.cert", "", "/etc/carillon/tls.crt", 
        "The certificate chain, as a PEM file, the node's own first: clients are then served by TLS 1.2 and \
         1.3 only. Read again when it or the key changes."),
    text("public.tls.key", "", "/etc/carillon/tls.key", "The certificate's key, as a PEM file."),
    // internal
    text("internal.addr", "127.0.0.1:8001", "127.0.0.1:8001",
        "Where the API, metrics, health and the console are served. Beyond loopback it needs \
         `internal.api_keys` or `internal.api_key_files`."),
    text("internal.advertise", "", "10.0.0.7:8001",
        "Where the other nodes reach this node's internal port, with the requests of clients that came to \
         them and belong here. None: `internal.addr`, unless that is every address of the machine. Then, and \
         where `internal.tls` is set, clients that poll need sticky sessions."),
    text("internal.api_keys", "", r#"["backend:publish+read:<32 random characters>"]"#,
        "Keys for the API: `name:scopes:key` with the scopes `publish`, `read`, `admin` joined by `+`, or a \
         key alone, which may do everything. Each has 16 bytes or more. No keys here nor in files: none is \
         asked, which is allowed on loopback only.").list().secret(),
    text("internal.api_key_files", "", r#"["/etc/carillon/keys"]"#,
        "Files of more such keys, one a line, or directories of such files, as a Secret is mounted. Read \
         again when they change.").list(),
    text("internal.tls.cert", "", "/etc/carillon/internal.crt",
        "The certificate chain of the internal port, as a PEM file: it is then served by TLS 1.2 and 1.3 only. \
         Read again when it or the key changes."),
    text("internal.tls.key", "", "/etc/carillon/internal.key", "That certificate's key, as a PEM file."),
    text("internal.tls.client_ca", "", "/etc/carillon/callers-ca.crt",
        "The roots that have signed the certificates of callers, as a PEM file: every call but for health, \
         metrics and the API's description then asks for one, and for a key as before. Read again when it changes."),
    // redis
    text("redis.url", "", "redis://127.0.0.1:6379",
        "The Redis that nodes share. None: an embedded bus, for one node.").secret(),
    text("redis.password_file", "", "/etc/carillon/redis-password",
        "A file with the password of `redis.url`, which then holds none."),
    text("redis.prefix", "carillon", "carillon", "Stands in front of every Redis key and channel."),
    text("redis.min_replicas_ack", "0", "1",
        "How many replicas must have a message before it is accepted."),
    text("redis.tls.ca", "", "/etc/carillon/redis-ca.crt",
        "The roots that a `rediss://` connection trusts, as a PEM file. None: this machine's."),
    text("redis.tls.cert", "", "/etc/carillon/redis.crt",
        "The certificate chain that is shown to Redis, as a PEM file."),
    text("redis.tls.key", "", "/etc/carillon/redis.key", "That certificate's key, as a PEM file."),
    // recovery
    text("recovery.window", "120s", "120s",
        "A client that names no cursor gets the finals of this long. At least `public.ping_interval` plus \
         `public.ping_timeout` plus 30 s, or a cut could outlast it."),
    text("recovery.keep", "1000", "1000", "How many finals are kept for each audience."),
    text("recovery.keep_age", "24h", "24h", "How long finals are kept."),
    text("recovery.rooms", "", r#"["chat:*"]"#,
        "Rooms whose events are kept as finals are, for those who come later; a `*` at the end stands for \
         whatever follows. The same on every node.").list(),
    text("recovery.native", "false", "true",
        "Socket.IO's own connection state recovery: a client of 4.6 or newer that was away for no longer than \
         `recovery.window` gets its id, its rooms and every event that it missed back, on any node, and clients of \
         3.x and 4.x get one more last argument with every event. The same on every node."),
    // downlink
    text("downlink.always_ok", "false", "true",
        "Answer every call of `/v1/downlink` with 200 and `0000`, for callers that take any other answer for \
         an outage. What was not sent is told by the log and `carillon_downlinks_total` alone."),
    // ingest
    text("ingest.status", "", r#"{ "200" = "file.queued" }"#,
        "More worker status numbers and the events that they mean.").map(),
    text("ingest.consumer", "", "ingest-0",
        "The name under which this process reads the queues in Redis: the same after a restart, and no \
         other's. None: the host's name and the internal port."),
    text("ingest.claim_after", "30s", "30s",
        "How long a message may stand still in a process's hands before another takes it over."),
    text("ingest.tries", "5", "5", "How often a message is tried before it is a dead letter."),
    // leases
    text("leases.node", "15s", "15s", "How long a node that gives no sign counts as living."),
    text("leases.login", "15s", "15s",
        "How long a member of a room counts after its node was last heard of; 1s to 15s."),
    text("leases.channel", "10s", "10s",
        "How long a process that gives no sign keeps the channel of tasks, and what it took from their list."),
    // uplink
    text("uplink.stream", "", "uplink",
        "The stream that keeps what clients say, named behind `redis.prefix`: with `uplink` it is \
         `carillon:uplink`. None: an event that nobody handles is answered with an error. Needs `redis.url`."),
    text("uplink.lifecycle", "false", "true",
        "Tell the stream also of connects, disconnects, and rooms joined and left."),
    text("uplink.relay", "", r#"["chat:*"]"#,
        "Rooms whose members may speak to each other by the event `relay`; a `*` at the end stands for \
         whatever follows. None: nobody's words reach another client.").list(),
    // auth
    text("auth.mode", "none", "token",
        "How users prove who they are: `none` (they do not), `token` (JSON Web Tokens), or `hook` (the \
         backend is asked)."),
    text("auth.allow_anonymous", "false", "true",
        "Serve a non-loopback address although `auth.mode` is `none`: whoever connects may name any user."),
    text("auth.key", "", "/etc/carillon/token.pem",
        "The key that tokens are checked with: a secret of 32 bytes or more, a PEM, or the path of a file \
         with either. `carillon token` signs with it.").secret(),
    text("auth.algorithms", "", r#"["ES256"]"#,
        "The algorithms that are taken, of HS256 to HS512, RS256 to RS512, PS256 to PS512, ES256, ES384 and \
         EdDSA. Empty: all that fit the key.").list(),
    text("auth.jwks", "", "https://id.example.com/jwks.json",
        "Where the tokens' keys are, as a key set: a file, read again when it changes, or a URL."),
    text("auth.jwks_refresh", "5m", "5m",
        "How often the key set of a URL is fetched; a token with an unknown key has it fetched at once."),
    text("auth.issuers", "", r#"["https://id.example.com"]"#,
        "One of them must have issued a token (`iss`). Empty: whoever has the key.").list(),
    text("auth.audiences", "", r#"["carillon"]"#,
        "A token must be meant for one of them (`aud`). Empty: a token that names an audience is refused.").list(),
    text("auth.leeway", "10s", "10s", "By how much the clocks of signer and node may differ; 5m at most."),
    text("auth.cookie", "", "session", "The cookie that a token may be in."),
    text("auth.revocation_keep", "30d", "30d",
        "How long a revocation is kept: at least as long as a token may live, or it would be taken again."),
    text("auth.ca", "", "/etc/carillon/ca.crt",
        "The roots that HTTPS to the key set or the backend trusts, as a PEM file. None: this machine's."),
    text("auth.hook.url", "", "https://api.example.com/who",
        "Who is asked who a client is, by POST.").secret(),
    text("auth.hook.headers", "authorization,cookie", r#"["cookie"]"#,
        "Those of a client's headers that the backend is shown.").list(),
    text("auth.hook.timeout", "2s", "2s", "How long the backend may take; the client is then told to come again."),
    text("auth.hook.concurrency", "64", "64", "Questions to the backend under way at once on this node."),
    text("auth.hook.cache", "5s", "5s", "How long the same question gets the same answer; 0s: it is asked each time."),
    // limits
    text("limits.sockets", "100000", "100000", "Sockets on this node; a further one is refused with 503."),
    text("limits.sockets_per_address", "10000", "10000",
        "Sockets from one address (IPv6: from one /64), loopback exempt; a further one is refused with 429."),
    text("limits.sockets_per_user", "100", "100", "Sockets of one user on this node; a further one is refused."),
    text("limits.accepts_per_second", "2000", "2000",
        "New sockets a second on this node; a further one is refused with 503."),
    text("limits.accepts_burst", "2000", "2000", "How many new sockets may come at once before that counts."),
    text("limits.handshakes", "10000", "10000",
        "Connections that have not said yet what they want, in all; from one address a quarter of them, loopback \
         exempt. A further one is refused with 503."),
    text("limits.events_per_second", "100", "100",
        "Events that one socket may send a second, with a burst of as many; a further one is refused."),
    text("limits.packets_per_second", "", "200",
        "Packets that one socket may send a second, the refused events among them, with a burst of three seconds' \
         worth; one that sends more is put out. None: as many as events."),
    text("limits.bytes_per_second", "1MiB", "1MiB",
        "What one socket may send a second, with a burst of ten seconds' worth; one that sends more is put out."),
    text("limits.rooms_per_socket", "256", "256", "Rooms that one socket may be in."),
    text("limits.header_bytes", "16KiB", "16KiB",
        "The longest request line with its headers, 8KiB or more; a longer one is answered 431."),
    text("limits.payload_bytes", "1000000", "1MB", "The largest message that a client may send."),
    text("limits.queue_bytes", "4MiB", "4MiB",
        "What may wait for one socket; a socket with more waiting leaves as `slow`."),
    text("limits.memory", "", "3GiB",
        "What this process may have in memory; above it new sockets are refused with 503, and those that are \
         there stay. None: no limit."),
    text("limits.stall", "15s", "15s", "How long a reader may stand still before it is out."),
    text("limits.handshake", "10s", "10s",
        "How long a client may take for each of: agreeing on TLS, a request's head, its body, an upgrade, and its \
         first namespace."),
    text("limits.max_age", "", "12h",
        "How long a socket stays at most, or up to a fifth less by chance; then it is made to come back, to \
         whichever node. None: for as long as it likes."),
    // drain, telemetry
    text("drain.grace", "25s", "25s", "How long stopping may take; what is left then is cut."),
    text("drain.delay", "5s", "5s",
        "How long a stopping node goes on as before, but that `/readyz` says no, so that what is in front of \
         it sends newcomers elsewhere; at most a quarter of `drain.grace`. Without `redis.url`, where there is \
         nowhere else, it does not wait."),
    text("drain.ready_status", "503", "404",
        "What `/readyz` answers while the node does not want traffic: `503`, or `404`, by which HAProxy's \
         `http-check disable-on-404` lets clients that are there stay and sends nobody new."),
    text("telemetry.log", "info", "info,gateway=debug", "Which log lines are written, as a tracing filter."),
    text("telemetry.log_format", "auto", "json", "`text`, `json`, or `auto`: text on a terminal, else JSON."),
    text("telemetry.otlp_endpoint", "", "http://127.0.0.1:4318",
        "Where traces go, by OTLP over HTTP as protobuf; `/v1/traces` is added where it names no path. None: \
         nothing is recorded. The variables of OpenTelemetry are read too (docs/tracing.md).").secret(),
    text("telemetry.service_name", "carillon", "carillon", "The name under which traces are found."),
    text("telemetry.trace_ratio", "0.01", "0.01",
        "The share of the traces that are recorded, of those that begin here; from 0 to 1."),
    text("telemetry.trace_parent", "true", "false",
        "Go by what a worker or backend says of its own trace in `traceparent`: what it records is recorded \
         here too, and nothing else of its traces."),
    text("telemetry.trace_queue", "2048", "2048",
        "Spans that may wait to be sent; a further one is dropped and counted."),
    text("telemetry.trace_delay", "5s", "5s", "How long a span waits at most for others to be sent with."),
    text("telemetry.trace_timeout", "10s", "10s",
        "How long the collector may take for what it is sent; after that it is dropped and counted."),
];
