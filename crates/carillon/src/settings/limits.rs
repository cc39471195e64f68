//! How much clients may ask of a node.

use gateway::Limits;

use crate::settings::{amount, config::Config, reader::Reader};

/// Less than a head's smallest buffer in the HTTP library.
const HEADER_BYTES_MIN: usize = 8 * 1024;

pub(super) fn read(read: &mut Reader) -> Limits {
    let events_per_second = read.one("limits.events_per_second", amount::rate);
    let packets_per_second = read.maybe("limits.packets_per_second", amount::rate);
    Limits {
        sockets: read.one("limits.sockets", amount::count),
        sockets_per_address: read.one("limits.sockets_per_address", amount::count),
        sockets_per_user: read.one("limits.sockets_per_user", amount::count),
        accepts_per_second: read.one("limits.accepts_per_second", amount::rate),
        accepts_burst: read.one("limits.accepts_burst", amount::rate),
        handshakes: read.one("limits.handshakes", amount::count),
        events_per_second,
        packets_per_second: packets_per_second.unwrap_or(events_per_second),
        bytes_per_second: read.one("limits.bytes_per_second", amount::size),
        rooms_per_socket: read.one("limits.rooms_per_socket", amount::count),
        header_bytes: read.one("limits.header_bytes", header),
        payload_bytes: read.one("limits.payload_bytes", amount::size),
        queue_bytes: read.one("limits.queue_bytes", amount::size),
        memory: read.maybe("limits.memory", amount::size),
        stall: read.one("limits.stall", amount::duration),
        handshake: read.one("limits.handshake", amount::duration),
    }
}

fn header(text: &str) -> Result<usize, String> {
    let bytes = amount::size(text)?;
    if bytes < HEADER_BYTES_MIN { Err("is less than 8KiB".to_owned()) } else { Ok(bytes) }
}

/// Who sends as many events as allowed must not be put out for it.
pub(super) fn check(read: &mut Reader, config: &Config) {
    let limits = &config.limits;
    if limits.packets_per_second < limits.events_per_second {
        read.refuse(
            "limits.packets_per_second",
            "is less than limits.events_per_second",
            "write as many, or more: every event is a packet",
        );
    }
}
