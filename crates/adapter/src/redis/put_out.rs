//! What a node hears on a room's channel when members are put out: `!out`, the room, and for each member
//! its ticket and its id, a line each. A notice begins with its epoch, which holds no `!`.

use notice::{Audience, SocketId};

use crate::redis::held::Ticket;

#[derive(Debug, Eq, PartialEq)]
pub(super) struct PutOut {
    pub(super) room: Audience,
    pub(super) members: Vec<(SocketId, Ticket)>,
}

impl PutOut {
    /// `None` for what is something else.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(bytes.strip_prefix(b"!out\n")?).ok()?.split('\n');
        let room = lines.next()?.parse().ok()?;
        let member = |line: &str| {
            let (ticket, member) = line.split_once(' ')?;
            Some((SocketId::new(member).ok()?, ticket.parse().ok()?))
        };
        Some(Self { room, members: lines.map(member).collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_with_their_tickets_and_a_notice_is_none() {
        let read = PutOut::read(b"!out\nroom:a%20b@/\n7 one\n12 with space\n").is_none();
        assert!(read, "an empty line is no member");
        let read = PutOut::read(b"!out\nroom:a%20b@/\n7 one\n12 with space").unwrap();
        assert_eq!(read.room.to_string(), "room:a%20b@/");
        let ids: Vec<_> = read.members.iter().map(|(id, ticket)| (id.as_str(), *ticket)).collect();
        assert_eq!(ids, [("one", 7), ("with space", 12)]);
        assert_eq!(PutOut::read(b"abc-1\n{}\n[]"), None);
    }
}
