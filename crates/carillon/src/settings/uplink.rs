//! What becomes of what clients say: what may be set, and what that needs.

use notice::{RoomPattern, RoomPatterns};

use crate::settings::{amount, config::Config, reader::Reader};

/// What becomes of what clients say.
#[derive(Clone, Debug)]
pub struct Uplink {
    /// The stream's name behind the prefix. Absent: nobody reads it.
    pub stream: Option<String>,
    pub lifecycle: bool,
    /// Rooms whose members may speak to each other, as patterns.
    pub relay: RoomPatterns,
}

pub(super) fn read(read: &mut Reader) -> Uplink {
    Uplink {
        stream: read.maybe("uplink.stream", stream),
        lifecycle: read.one("uplink.lifecycle", amount::flag),
        relay: read.list("uplink.relay", rooms),
    }
}

/// The bus in memory has no stream that a backend could read.
pub(super) fn check(read: &mut Reader, config: &Config) {
    if config.uplink.stream.is_some() && config.redis.is_none() {
        let hint = "set redis.url to the Redis where the backend reads the stream";
        read.refuse("uplink.stream", "needs a Redis, and there is none", hint);
    }
    if config.uplink.lifecycle && config.uplink.stream.is_none() {
        let hint = "set uplink.stream = \"uplink\" too";
        read.refuse("uplink.lifecycle", "is told to a stream, and there is none", hint);
    }
}

/// A name that is no other key's of ours.
fn stream(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || !name.chars().all(plain) {
        return Err("is no word of letters, digits, -, _ and .".to_owned());
    }
    if ["tasks", "dead"].contains(&name) {
        return Err("is the name of a stream of workers' messages".to_owned());
    }
    Ok(name.to_owned())
}

/// Patterns of rooms.
pub(super) fn rooms(rooms: &[String]) -> Result<RoomPatterns, String> {
    rooms.iter().map(|room| RoomPattern::new(room).map_err(|error| error.to_string())).collect()
}
