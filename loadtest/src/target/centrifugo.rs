//! The peer Centrifugo: what it is told by its environment.

use crate::target::Addresses;

/// Anybody may connect, subscribe and publish, as loopback allows.
pub(super) fn environment(at: Addresses, redis: Option<&str>) -> Vec<(&'static str, String)> {
    let on = || "true".to_owned();
    let mut environment = vec![
        ("CENTRIFUGO_HTTP_SERVER_ADDRESS", at.public.ip().to_string()),
        ("CENTRIFUGO_HTTP_SERVER_PORT", at.public.port().to_string()),
        ("CENTRIFUGO_HTTP_SERVER_INTERNAL_ADDRESS", at.publish.ip().to_string()),
        ("CENTRIFUGO_HTTP_SERVER_INTERNAL_PORT", at.publish.port().to_string()),
        ("CENTRIFUGO_CLIENT_INSECURE", on()),
        ("CENTRIFUGO_HTTP_API_INSECURE", on()),
        ("CENTRIFUGO_LOG_LEVEL", "error".to_owned()),
    ];
    if let Some(url) = redis {
        environment.push(("CENTRIFUGO_ENGINE_TYPE", "redis".to_owned()));
        environment.push(("CENTRIFUGO_ENGINE_REDIS_ADDRESS", url.to_owned()));
    }
    environment
}
