//! What kinds of server there are, and what is said to each. They differ in a few strings and nothing else.

use crate::swarm::Dialect;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Carillon: a user each, in `/notice`.
    Carillon,
    /// The server on Node in `peers/node`: a user each, in `/notice`.
    Node,
    /// Centrifugo by its JSON protocol: a channel each, or one for all.
    Centrifugo { shared: bool },
    /// The example server on stock socketioxide: everyone in `/`.
    Stock,
    /// The example server that does a bare `write(2)` for each socket.
    Floor,
    /// Plain WebSocket: what is posted to `/` is a text frame for everyone.
    Ws,
}

/// The room of those who stand still.
const STILL_ROOM: &str = "still";

impl Kind {
    pub(super) const NAMES: [(&'static str, Self); 6] = [
        ("carillon", Self::Carillon),
        ("node", Self::Node),
        ("centrifugo", Self::Centrifugo { shared: false }),
        ("stock", Self::Stock),
        ("floor", Self::Floor),
        ("ws", Self::Ws),
    ];

    pub(super) fn named(label: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(name, _)| *name == label).map(|(_, kind)| kind)
    }

    /// The same for a run in which all are to hear the same.
    pub(crate) fn shared(self) -> Self {
        match self {
            Self::Centrifugo { .. } => Self::Centrifugo { shared: true },
            other => other,
        }
    }

    /// What its clients hear.
    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::Centrifugo { .. } => Dialect::Centrifugo,
            Self::Ws => Dialect::Plain,
            Self::Carillon | Self::Node | Self::Stock | Self::Floor => Dialect::SocketIo,
        }
    }

    /// Where its clients ask for the upgrade.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Centrifugo { .. } => "/connection/websocket",
            Self::Ws => "/",
            Self::Carillon | Self::Node | Self::Stock | Self::Floor => {
                "/socket.io/?EIO=4&transport=websocket"
            }
        }
    }

    /// What the client says once the session is open, with the cursor of what it heard last.
    pub(crate) fn connect_packet(self, user: usize, cursor: Option<&str>) -> String {
        let since = cursor.map(|id| format!(r#","since":"{id}""#)).unwrap_or_default();
        match self {
            Self::Carillon | Self::Node => format!(r#"40/notice,{{"user":"{user}"{since}}}"#),
            Self::Stock | Self::Floor | Self::Ws => "40".to_owned(),
            Self::Centrifugo { .. } => {
                let channel = self.channel(Some(&user.to_string()));
                let subscribe = format!(r#"{{"id":2,"subscribe":{{"channel":"{channel}"}}}}"#);
                format!("{}\n{subscribe}", r#"{"id":1,"connect":{}}"#)
            }
        }
    }

    /// Path and body of a request that sends `data` (JSON) to `user`, or to every socket.
    pub(crate) fn publish(self, user: Option<&str>, data: &str) -> (&'static str, String) {
        let path = match self {
            Self::Carillon => "/v1/emit",
            Self::Node => "/emit",
            Self::Centrifugo { .. } => {
                let channel = self.channel(user);
                return ("/api/publish", format!(r#"{{"channel":"{channel}","data":{data}}}"#));
            }
            Self::Stock | Self::Floor => return ("/emit", data.to_owned()),
            Self::Ws => return ("/", data.to_owned()),
        };
        let to = user.map(|user| format!(r#""to":{{"user":"{user}"}},"#)).unwrap_or_default();
        (path, format!(r#"{{"namespace":"/notice",{to}"event":"load","data":{data}}}"#))
    }

    /// Path and body of a request that sends each user, in the order of the sockets, a notice of its own.
    pub(crate) fn publish_each(self, notices: &[String]) -> (&'static str, String) {
        match self {
            Self::Centrifugo { .. } => {
                let commands = notices.iter().map(|it| format!(r#"{{"publish":{it}}}"#));
                let commands = commands.collect::<Vec<_>>().join(",");
                ("/api/batch", format!(r#"{{"commands":[{commands}]}}"#))
            }
            Self::Carillon => ("/v1/tasks", lines(notices)),
            Self::Node | Self::Stock | Self::Floor | Self::Ws => ("/users", lines(notices)),
        }
    }

    fn channel(self, user: Option<&str>) -> String {
        match (self, user) {
            (Self::Centrifugo { shared: false }, Some(user)) => format!("user{user}"),
            _ => "load".to_owned(),
        }
    }
}

/// A line each, the last one ended too.
fn lines(notices: &[String]) -> String {
    notices.iter().flat_map(|notice| [notice, "\n"]).collect()
}

/// What a client says, once the session is open, that will stand still: it is of a room, and of no user who is
/// told anything. Only carillon is asked to bear such ones.
pub(crate) fn still_packet(_kind: Kind, user: usize, _cursor: Option<&str>) -> String {
    format!(r#"40/notice,{{"user":"still{user}","room":"{STILL_ROOM}"}}"#)
}

/// Path and body of a request that stuffs all who stand still.
pub(crate) fn stuffing(data: &str) -> (&'static str, String) {
    let to = format!(r#""to":{{"room":"{STILL_ROOM}"}}"#);
    ("/v1/emit", format!(r#"{{"namespace":"/notice",{to},"event":"load","data":{data}}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_for_one_user_or_for_all() {
        let (path, body) = Kind::Carillon.publish(Some("7"), "{}");
        assert_eq!(path, "/v1/emit");
        assert_eq!(body, r#"{"namespace":"/notice","to":{"user":"7"},"event":"load","data":{}}"#);
        let (_, body) = Kind::Node.publish(None, "{}");
        assert_eq!(body, r#"{"namespace":"/notice","event":"load","data":{}}"#);
    }

    #[test]
    fn who_is_told_by_centrifugo_has_subscribed_to_it() {
        let own = Kind::named("centrifugo").unwrap();
        for (kind, channel) in
            [(own, r#""channel":"user7""#), (own.shared(), r#""channel":"load""#)]
        {
            assert!(kind.connect_packet(7, None).contains(channel));
            assert!(kind.publish(Some("7"), "{}").1.contains(channel));
        }
    }
}
