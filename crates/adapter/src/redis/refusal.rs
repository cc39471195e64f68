//! Why there can be no bus over this Redis, each case with what to do about it.

use fred::error::{Error, ErrorKind};
use thiserror::Error as ThisError;

use crate::redis::{address::AddressError, bus::lasting};

/// The bus cannot be there.
#[derive(Debug, ThisError)]
pub enum ConnectError {
    #[error(
        "read redis url: {0} (hint: write redis://[user:password@]host[:port], or the same with \
         rediss, redis-cluster, rediss-cluster, redis-sentinel or rediss-sentinel)"
    )]
    Url(#[from] AddressError),

    #[error("read redis prefix {prefix:?}: it is empty or holds a brace (hint: use a plain word)")]
    Prefix { prefix: String },

    #[error("prepare tls for redis: {reason} (hint: {hint})")]
    Certificates { reason: String, hint: &'static str },

    #[error(
        "log in to redis at {server}: {reason} (hint: check user and password in the url, and that \
         the user may run what docs/redis.md lists, on the prefix)"
    )]
    Refused { server: String, reason: String },

    #[error("agree on tls with redis at {server}: {reason} (hint: {hint})")]
    Tls { server: String, reason: String, hint: &'static str },

    #[error("connect to redis at {server}: {reason} (hint: {hint})")]
    Unreachable { server: String, reason: String, hint: &'static str },

    #[error("connect to redis at {server}: it is version {version} (hint: 7.0 or newer is needed)")]
    TooOld { server: String, version: String },

    #[error("connect to redis at {server}: it is a read-only replica (hint: name the primary)")]
    ReadOnly { server: String },

    #[error("use redis at {server}: {reason}")]
    Taken { server: String, reason: String },

    #[error("register the bus's metrics")]
    Metrics(#[from] prometheus::Error),
}

impl ConnectError {
    /// What a failure to connect comes down to.
    pub(super) fn of(server: String, url: &str, error: &Error) -> Self {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        let reason = plain(error.details()).to_owned();
        let denied = ["NOAUTH", "WRONGPASS", "NOPERM"].iter().any(|code| reason.starts_with(code));
        if denied || *error.kind() == ErrorKind::Auth {
            return Self::Refused { server, reason };
        }
        if let Some(reason) = lasting(error).filter(|reason| reason.starts_with("WRONGTYPE")) {
            return Self::Taken { server, reason };
        }
        if scheme.starts_with("rediss") && speaks_of_tls(error) {
            let hint = if reason.contains("nvalidContentType") || reason.contains("corrupt") {
                "it does not speak tls there: name its tls port, or write the scheme without the \
                 second s"
            } else {
                "is its certificate for this name, not too old, and signed by a root of this machine or \
                 by the ca that is set?"
            };
            return Self::Tls { server, reason, hint };
        }
        Self::Unreachable { server, hint: hint(scheme, &reason), reason }
    }
}

const NO_REPLICAS: &str = "NOREPLICAS";

/// What an `io::Error` says, where it was shown with its insides: `Os { …, message: "…" }`,
/// `Custom { …, error: … }`.
fn plain(details: &str) -> &str {
    let inside = |start: &str, before: &str| {
        let (_, said) = details.strip_prefix(start)?.split_once(before)?;
        Some(said.trim_end_matches(" }").trim_matches('"'))
    };
    inside("Os {", "message: ").or_else(|| inside("Custom {", "error: ")).unwrap_or(details)
}

/// Some of rustls' words come as what the socket said.
fn speaks_of_tls(error: &Error) -> bool {
    let reason = error.details();
    let words = ["ertificate", "InvalidContentType", "corrupt message", "tls", "TLS", "alert"];
    *error.kind() == ErrorKind::Tls || words.iter().any(|word| reason.contains(word))
}

/// Whether a primary takes no writes because too few replicas follow it.
pub(super) fn lacks_replica(error: &Error) -> bool {
    error.details().starts_with(NO_REPLICAS)
}

fn hint(scheme: &str, reason: &str) -> &'static str {
    if reason.starts_with(NO_REPLICAS) {
        return "fewer replicas follow its primary than its min-replicas-to-write: is one starting?";
    }
    if reason.contains("cluster support disabled") {
        return "it is no cluster: write the scheme without -cluster";
    }
    if scheme.ends_with("-sentinel") {
        return "are the sentinels running and reachable from here, does their service have the name \
                that the url gives, and is its primary up?";
    }
    if scheme.starts_with("rediss") {
        return "is it running, and reachable from here, and is this its tls port?";
    }
    "is it running, and reachable from here? If it wants tls, write the scheme with a second s"
}

#[cfg(test)]
mod tests {
    //! What is said of a connection that was not made.

    use super::*;

    #[test]
    fn nobody_is_shown_the_insides_of_an_error() {
        let reset =
            r#"Os { code: 104, kind: ConnectionReset, message: "Connection reset by peer" }"#;
        assert_eq!(plain(reset), "Connection reset by peer");
        let issuer = "Custom { kind: InvalidData, error: InvalidCertificate(UnknownIssuer) }";
        assert_eq!(plain(issuer), "InvalidCertificate(UnknownIssuer)");
        let told = r#"Custom { kind: Other, error: "no such host" }"#;
        assert_eq!(plain(told), "no such host");
        assert_eq!(plain("WRONGPASS no"), "WRONGPASS no");
    }
}
