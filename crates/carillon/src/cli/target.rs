//! A Redis that a command speaks to itself: by the settings, with what the command line says on top.

use adapter::{ConnectError, RedisConfig};

use crate::{
    bus,
    exit::Failure,
    settings::{Config, Flag, Settings, Sources},
};

pub(super) fn is_redis(url: &str) -> bool {
    url.split(':').next().is_some_and(|scheme| scheme.starts_with("redis"))
}

/// The Redis of `url`, as a node with these settings would speak to it: by their prefix, unless another
/// is given, their roots and certificates.
pub(super) fn redis(
    flag: &str,
    url: &str,
    prefix: Option<&str>,
    mut sources: Sources,
) -> Result<(RedisConfig, Config), Failure> {
    let given = |flag: &str, name: &str, value: &str| Flag {
        flag: flag.to_owned(),
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let prefix = prefix.map(|prefix| given("--prefix", "redis.prefix", prefix));
    sources.flags.extend([given(flag, "redis.url", url)].into_iter().chain(prefix));
    let config = Settings::load(&sources).into_config()?;
    let redis = bus::redis(&config).expect("a url that was given is there once it was accepted");
    Ok((redis, config))
}

/// It says itself what to do, and never the password.
pub(super) fn not_connected(error: ConnectError) -> Failure {
    match error {
        ConnectError::Url { .. } | ConnectError::Prefix { .. } => {
            Failure::usage(error, "the password's own @, : and / are written %40, %3A and %2F")
        }
        _ => anyhow::Error::new(error).into(),
    }
}
