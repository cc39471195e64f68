//! What a client is told of rooms: a closed list of codes and texts.

use notice::Room;

use crate::forms::quoted;

/// One `downmsg`, or the answer to who asked for one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reply<'a> {
    In(&'a Room),
    Fault(Fault),
    Occupied(&'a Room),
    PutOut(&'a Room),
    /// To `leaveRoom`, for which there is no code.
    Left(&'a Room),
}

/// Why a login could not be decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    IdMissing,
    IdMalformed,
    TypeUnknown,
    ResumeMalformed,
    /// The client's token, or the backend, does not let it in.
    NotGranted,
    /// The socket is in as many rooms as it may be.
    TooManyRooms,
    /// The room, or the node, takes no more.
    Full,
    Unreachable,
    Unsettled,
    /// More than `limits.events_per_second`.
    TooFast,
    /// Nobody reads this any more.
    Gone,
}

impl Reply<'_> {
    pub(super) fn json(self) -> String {
        let (code, msg) = match self {
            Self::In(room) => ("2002", format!("login room (id:{room}) success")),
            Self::Fault(fault) => ("2003", fault.text().to_owned()),
            Self::Occupied(room) => ("2004", format!("your room id({room}) already exist")),
            Self::PutOut(room) => ("2005", format!("you have kicked out room (id{room})")),
            Self::Left(room) => {
                let msg = quoted(&format!("leave room (id:{room}) success"));
                return format!("{{\"msg\":{msg}}}");
            }
        };
        format!("{{\"code\":\"{code}\",\"msg\":{}}}", quoted(&msg))
    }
}

impl Fault {
    fn text(self) -> &'static str {
        match self {
            Self::IdMissing => "id is missing",
            Self::IdMalformed => "id is malformed",
            Self::TypeUnknown => {
                "type is unknown (use loginWhenFirst, loginWhenLast or loginWhenever)"
            }
            Self::ResumeMalformed => "resume is malformed",
            Self::NotGranted => "the room is not granted",
            Self::TooManyRooms => "this socket is in too many rooms",
            Self::Full => "the room is full",
            Self::Unreachable => "the store is unreachable, try again later",
            Self::Unsettled => "who is in is not known yet, try again later",
            Self::TooFast => "too many events, slow down",
            Self::Gone => "the socket has left",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_and_texts_are_those_that_pages_know() {
        let room = Room::new("456").unwrap();
        let told = [Reply::In(&room), Reply::Occupied(&room), Reply::PutOut(&room)];
        assert_eq!(
            told.map(Reply::json),
            [
                r#"{"code":"2002","msg":"login room (id:456) success"}"#,
                r#"{"code":"2004","msg":"your room id(456) already exist"}"#,
                r#"{"code":"2005","msg":"you have kicked out room (id456)"}"#,
            ]
        );
        let odd = Room::new("\"\\").unwrap();
        assert_eq!(
            Reply::In(&odd).json(),
            r#"{"code":"2002","msg":"login room (id:\"\\) success"}"#
        );
    }
}
