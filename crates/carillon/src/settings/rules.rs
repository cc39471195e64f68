//! Settings that must go together: what may be open to whom, and what must outlast what.

use std::{net::IpAddr, time::Duration};

use crate::settings::{amount, config::Config, limits, reader::Reader, uplink};

/// How much longer than a silent socket's life the recovery window must be.
const WINDOW_MARGIN: Duration = Duration::from_secs(30);

pub(super) fn check(read: &mut Reader, config: &Config) {
    openness(read, config);
    roles(read, config);
    conformance(read, config);
    window(read, config);
    uplink::check(read, config);
    limits::check(read, config);
}

fn is_open(ip: IpAddr) -> bool {
    !ip.to_canonical().is_loopback()
}

fn openness(read: &mut Reader, config: &Config) {
    let allow_anonymous = read.one("auth.allow_anonymous", amount::flag);
    let plaintext = read.one("public.plaintext", amount::flag);
    let public_open = is_open(config.public.addr.ip());
    if public_open && config.auth.is_open() && !allow_anonymous {
        read.refuse(
            "public.addr",
            "is open to others, and auth.mode = \"none\" lets them name any user",
            "set auth.allow_anonymous = true if that is meant, or listen on 127.0.0.1",
        );
    }
    // What is wrong with its files is told already.
    let tls = config.public.tls.is_some() || read.is_set("public.tls.cert");
    if public_open && !tls && !plaintext {
        read.refuse(
            "public.addr",
            "is open to others without TLS",
            "set public.tls.cert and public.tls.key, or public.plaintext = true if TLS ends in front of this \
             node, or listen on 127.0.0.1",
        );
    }
    let internal = &config.internal;
    let asks_keys = !internal.api_keys.is_empty() || internal.api_key_files.is_some();
    if is_open(internal.addr.ip()) && !asks_keys {
        read.refuse(
            "internal.addr",
            "is open to others, and no key is asked of them",
            "set internal.api_keys or internal.api_key_files, or listen on 127.0.0.1",
        );
    }
    let (public, internal) = (config.public.addr, config.internal.addr);
    if public == internal && public.port() != 0 {
        read.refuse("internal.addr", "is public.addr too", "give the two different ports");
    }
}

/// Who takes messages in for other nodes has to reach them.
fn roles(read: &mut Reader, config: &Config) {
    let has_redis = config.redis.is_some() || read.is_set("redis.url");
    if !config.roles.gateway && !has_redis {
        read.refuse(
            "roles",
            "are ingest alone, and without a Redis nobody would hear what it takes in",
            "set redis.url to the Redis that the other nodes share, or add the role gateway",
        );
    }
}

fn conformance(read: &mut Reader, config: &Config) {
    if config.public.conformance.is_some() && is_open(config.public.addr.ip()) {
        let hint = "set public.conformance = \"off\", or listen on 127.0.0.1";
        read.refuse("public.conformance", "is for protocol suites on loopback", hint);
    }
}

/// A client learns that it was cut only after a ping's interval and timeout; what it missed by then
/// must still be within the window.
fn window(read: &mut Reader, config: &Config) {
    let public = &config.public;
    let silent = public.ping_interval.saturating_add(public.ping_timeout);
    let window_min = silent.saturating_add(WINDOW_MARGIN);
    if public.conformance.is_none() && config.recovery.window < window_min {
        let shown = humantime::format_duration(window_min);
        read.refuse(
            "recovery.window",
            "is shorter than public.ping_interval + public.ping_timeout + 30s",
            format!("write {shown} or more"),
        );
    }
}
