//! What a message carries to be recognised: its number, and when it was meant to be sent.

use std::time::Duration;

/// The marked number and time of one message. Time counts from the beginning of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) seq: u32,
    pub(crate) due: Duration,
}

impl Mark {
    /// JSON of `bytes` bytes, or a little more where the mark alone takes it. Its keys are in
    /// alphabetical order, since a server may sort them.
    pub(crate) fn data(self, bytes: usize) -> String {
        let mut data = format!(r##"{{"mark":"#{}:{}#","pad":""##, self.seq, self.due.as_micros());
        let pad = bytes.saturating_sub(data.len() + 2);
        data.extend(std::iter::repeat_n('x', pad));
        data.push_str("\"}");
        data
    }

    /// Finds the mark in a packet. None: it is not one of ours.
    pub(crate) fn find(packet: &[u8]) -> Option<Self> {
        let start = packet.iter().position(|byte| *byte == b'#')? + 1;
        let (seq, after_seq) = number(&packet[start..], b':')?;
        let (due, _) = number(after_seq, b'#')?;
        Some(Self { seq: seq.try_into().ok()?, due: Duration::from_micros(due) })
    }
}

/// The decimal number before `end`, and what follows.
fn number(bytes: &[u8], end: u8) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(20) {
        match byte {
            b'0'..=b'9' => value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?,
            byte if *byte == end && at > 0 => return Some((value, &bytes[at + 1..])),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_in_the_packet_that_carries_it() {
        let mark = Mark { seq: 59, due: Duration::from_micros(19_666_667) };
        let packet = format!(r#"42/notice,["load",{}]"#, mark.data(256));
        assert_eq!(Mark::find(packet.as_bytes()), Some(mark));
    }

    #[test]
    fn data_is_json_of_the_size_asked_for() {
        let data = Mark { seq: 1, due: Duration::from_secs(1) }.data(256);
        assert_eq!(data.len(), 256);
        assert!(serde_json::from_str::<serde_json::Value>(&data).unwrap()["pad"].is_string());
    }

    #[test]
    fn a_packet_of_another_making_has_no_mark() {
        for packet in ["", "#", "#1", "#1:", "#:2#", "#1:2", "#1:x#", "2[\"file.progress\",{}]"] {
            assert_eq!(Mark::find(packet.as_bytes()), None, "{packet}");
        }
        assert_eq!(Mark::find(b"#99999999999999999999999:1#"), None);
    }
}
