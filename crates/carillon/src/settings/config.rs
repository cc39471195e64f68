//! What the settings mean: typed, checked, complete.

use std::{
    collections::HashMap, fmt, fs, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration,
};

use gateway::{Bundle, Conformance, Identity, Limits, Origins, Proxies};
use http::StatusCode;
use notice::{Namespace, RoomPatterns, StatusTable};

use crate::settings::{
    Settings, amount,
    api_key::ApiKey,
    auth::{self, Auth},
    key_files::KeyFiles,
    limits,
    mistake::Mistakes,
    proxies,
    reader::Reader,
    redis::{self, Redis},
    rules,
    telemetry::{self, Telemetry},
    tls::{self, InternalTls},
    uplink::{self, Uplink},
    value::Value,
};

/// The largest file that `public.serve_client` may name, and the largest map beside it.
const CLIENT_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The longest name of a consumer.
const CONSUMER_BYTES_MAX: usize = 256;

/// Everything a node is told.
#[derive(Clone, Debug)]
pub struct Config {
    pub roles: Roles,
    pub public: Public,
    pub internal: Internal,
    /// Absent: a bus of its own, in memory.
    pub redis: Option<Redis>,
    pub recovery: Recovery,
    pub ingest: Ingest,
    pub leases: Leases,
    pub auth: Auth,
    pub uplink: Uplink,
    /// Every call of `/v1/downlink` is answered alike, whatever became of it.
    pub downlink_always_ok: bool,
    pub limits: Limits,
    pub max_age: Option<Duration>,
    pub drain: Drain,
    pub telemetry: Telemetry,
    /// Serve the demo page and play its worker.
    pub demo: bool,
}

/// What a process does, of [`Role`]s; at least one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Roles {
    pub gateway: bool,
    pub ingest: bool,
}

/// One thing that a process may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    Gateway,
    Ingest,
}

/// The port for clients.
#[derive(Clone, Debug)]
pub struct Public {
    pub addr: SocketAddr,
    pub path: String,
    /// Checked; kept as texts because `demo` adds its page's own once the ports are known.
    pub origins: Vec<String>,
    pub serve_client: Option<Arc<Bundle>>,
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
    pub namespaces: Vec<Namespace>,
    pub conformance: Option<Conformance>,
    /// Absent: clients speak plainly.
    pub tls: Option<Identity>,
    pub proxies: Proxies,
}

/// The port for backends and operators.
#[derive(Clone, Debug)]
pub struct Internal {
    pub addr: SocketAddr,
    /// As `host:port`. Absent: where the port is, if that is one address.
    pub advertise: Option<String>,
    pub api_keys: Vec<ApiKey>,
    /// Absent: callers speak plainly.
    pub tls: Option<InternalTls>,
    /// With them or without, a key is asked for.
    pub api_key_files: Option<KeyFiles>,
}

/// What a client that was away can still get.
#[derive(Clone, Debug)]
pub struct Recovery {
    pub window: Duration,
    pub finals_keep: usize,
    pub finals_age: Duration,
    /// Rooms whose events are kept as finals are, as patterns.
    pub rooms: RoomPatterns,
    /// Clients get their seats back by Socket.IO's own connection state recovery.
    pub native: bool,
}

/// How worker messages are read.
#[derive(Clone, Debug)]
pub struct Ingest {
    pub status: StatusTable,
    /// Absent: named after the host and the internal port.
    pub consumer: Option<String>,
    pub claim_after: Duration,
    pub tries: u32,
}

/// How long those who give no sign keep what is theirs.
#[derive(Clone, Copy, Debug)]
pub struct Leases {
    pub node: Duration,
    /// How long a member of a room counts after its node was last heard of.
    pub login: Duration,
    pub channel: Duration,
}

/// How a node stops.
#[derive(Clone, Copy, Debug)]
pub struct Drain {
    /// All of it takes no longer.
    pub grace: Duration,
    /// How long what is in front of the node needs to notice.
    pub delay: Duration,
    /// What `/readyz` answers where the node wants no traffic.
    pub ready_status: StatusCode,
}

impl Roles {
    /// As they are written in the settings.
    pub fn names(self) -> Vec<String> {
        self.to_string().split(", ").map(str::to_owned).collect()
    }

    pub fn has(self, role: Role) -> bool {
        match role {
            Role::Gateway => self.gateway,
            Role::Ingest => self.ingest,
        }
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.gateway, self.ingest) {
            (true, true) => "gateway, ingest",
            (true, false) => "gateway",
            (false, _) => "ingest",
        })
    }
}

pub(super) fn build(settings: Settings) -> Result<Config, Mistakes> {
    let mut read = Reader::new(settings);
    let config = Config {
        roles: read.list("roles", roles),
        public: public(&mut read),
        internal: Internal {
            addr: read.one("internal.addr", addr),
            advertise: read.maybe("internal.advertise", host_and_port),
            tls: tls::internal(&mut read),
            api_keys: read.list("internal.api_keys", ApiKey::read_list),
            api_key_files: read.list("internal.api_key_files", KeyFiles::open),
        },
        redis: redis::read(&mut read),
        recovery: Recovery {
            window: read.one("recovery.window", amount::duration),
            finals_keep: read.one("recovery.keep", amount::count),
            finals_age: read.one("recovery.keep_age", amount::duration),
            rooms: read.list("recovery.rooms", uplink::rooms),
            native: read.one("recovery.native", amount::flag),
        },
        ingest: Ingest {
            status: read.value("ingest.status", status),
            consumer: read.maybe("ingest.consumer", consumer),
            claim_after: read.one("ingest.claim_after", amount::lasting),
            tries: read.one("ingest.tries", amount::rate),
        },
        leases: Leases {
            node: read.one("leases.node", amount::lasting),
            login: read.one("leases.login", amount::lease),
            channel: read.one("leases.channel", amount::lasting),
        },
        auth: auth::read(&mut read),
        uplink: uplink::read(&mut read),
        downlink_always_ok: read.one("downlink.always_ok", amount::flag),
        limits: limits::read(&mut read),
        max_age: read.maybe("limits.max_age", amount::duration),
        drain: drain(&mut read),
        telemetry: telemetry::read(&mut read),
        demo: false,
    };
    rules::check(&mut read, &config);
    let mistakes = read.into_mistakes();
    if mistakes.is_empty() { Ok(config) } else { Err(Mistakes(mistakes)) }
}

fn public(read: &mut Reader) -> Public {
    Public {
        addr: read.one("public.addr", addr),
        path: read.one("public.path", path),
        origins: read.list("public.origins", origins),
        serve_client: read.maybe("public.serve_client", client_file),
        ping_interval: read.one("public.ping_interval", amount::duration),
        ping_timeout: read.one("public.ping_timeout", amount::duration),
        namespaces: read.list("public.namespaces", namespaces),
        conformance: read.one("public.conformance", conformance),
        tls: tls::public(read),
        proxies: proxies::read(read),
    }
}

fn drain(read: &mut Reader) -> Drain {
    let grace = read.one("drain.grace", amount::duration);
    let delay = read.one("drain.delay", amount::duration_or_none);
    Drain {
        grace,
        delay: delay.min(grace / 4),
        ready_status: read.one("drain.ready_status", ready_status),
    }
}

fn ready_status(text: &str) -> Result<StatusCode, String> {
    match text {
        "503" => Ok(StatusCode::SERVICE_UNAVAILABLE),
        "404" => Ok(StatusCode::NOT_FOUND),
        _ => Err("is neither 503 nor 404".to_owned()),
    }
}

fn roles(names: &[String]) -> Result<Roles, String> {
    let mut roles = Roles { gateway: false, ingest: false };
    for name in names {
        match name.as_str() {
            "gateway" => roles.gateway = true,
            "ingest" => roles.ingest = true,
            _ => return Err(format!("names {name:?}, and there are gateway and ingest")),
        }
    }
    if names.is_empty() { Err("names no role".to_owned()) } else { Ok(roles) }
}

fn addr(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "is no IP address with a port".to_owned())
}

fn host_and_port(text: &str) -> Result<String, String> {
    match text.parse::<http::uri::Authority>() {
        Ok(authority) if authority.port_u16().is_some() && !text.contains('@') => {
            Ok(text.to_owned())
        }
        _ => Err("is no host with a port".to_owned()),
    }
}

fn path(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    let framed = text.len() > 1 && text.starts_with('/') && text.ends_with('/');
    if framed && text.chars().all(plain) && !text.contains("//") {
        Ok(text.to_owned())
    } else {
        Err("is no path between two slashes".to_owned())
    }
}

fn origins(list: &[String]) -> Result<Vec<String>, String> {
    Origins::parse(list).map_err(|error| error.to_string())?;
    Ok(list.to_vec())
}

fn consumer(name: &str) -> Result<String, String> {
    if name.len() > CONSUMER_BYTES_MAX || name.contains(char::is_whitespace) {
        return Err(format!("is longer than {CONSUMER_BYTES_MAX} bytes, or holds a space"));
    }
    Ok(name.to_owned())
}

/// A file that can be read when the settings are.
pub(super) fn file(path: &str) -> Result<PathBuf, String> {
    let opened = std::fs::File::open(path);
    opened.map(|_| PathBuf::from(path)).map_err(|error| format!("cannot be read: {error}"))
}

fn client_file(path: &str) -> Result<Arc<Bundle>, String> {
    let script = short_file(path).map_err(|error| format!("cannot be read: {error}"))?;
    let map = match short_file(&format!("{path}.map")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        map => Some(map.map_err(|error| format!("has a .map that cannot be read: {error}"))?),
    };
    Ok(Arc::new(Bundle::new(script.into(), map.map(Into::into))))
}

fn short_file(path: &str) -> io::Result<Vec<u8>> {
    let len_bytes = fs::metadata(path)?.len();
    if len_bytes > CLIENT_BYTES_MAX {
        let long = format!("{len_bytes} bytes, and {CLIENT_BYTES_MAX} are allowed");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, long));
    }
    fs::read(path)
}

fn namespaces(names: &[String]) -> Result<Vec<Namespace>, String> {
    if names.is_empty() {
        return Err("names no namespace".to_owned());
    }
    names.iter().map(|name| Namespace::new(name).map_err(|error| error.to_string())).collect()
}

fn conformance(text: &str) -> Result<Option<Conformance>, String> {
    match text {
        "off" => Ok(None),
        "engine" => Ok(Some(Conformance::Engine)),
        "socket" => Ok(Some(Conformance::Socket)),
        _ => Err("is none of off, engine, socket".to_owned()),
    }
}

fn status(value: &Value) -> Result<StatusTable, String> {
    let Value::Map(pairs) = value else { return Err("is no table".to_owned()) };
    let pairs: HashMap<_, _> = pairs.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    StatusTable::new(pairs).map_err(|error| error.to_string())
}
