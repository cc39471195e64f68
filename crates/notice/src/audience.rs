//! Who a notice is for. An audience is also what is numbered: each counts its own notices.

use std::{fmt, str::FromStr};

use crate::{
    names::{NameError, Namespace, Room, SocketId, UserId},
    text::{escaped, unescaped},
};

/// Some sockets of one namespace.
///
/// Written `user:5@/notice`, `room:456@/`, `socket:abc@/`, `everyone@/`, with reserved characters of
/// the names percent-encoded; [`FromStr`] reads the same form.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Audience {
    pub namespace: Namespace,
    pub scope: Scope,
}

/// Which of a namespace's sockets.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    User(UserId),
    Room(Room),
    Socket(SocketId),
    Everyone,
}

impl Audience {
    /// The sockets of one user that wait for task notices.
    pub fn tasks_of(user: UserId) -> Self {
        Self { namespace: Namespace::notice(), scope: Scope::User(user) }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Scope::User(user) => write!(f, "user:{}", escaped(user.as_str()))?,
            Scope::Room(room) => write!(f, "room:{}", escaped(room.as_str()))?,
            Scope::Socket(socket) => write!(f, "socket:{}", escaped(socket.as_str()))?,
            Scope::Everyone => f.write_str("everyone")?,
        }
        write!(f, "@{}", escaped(self.namespace.as_str()))
    }
}

impl FromStr for Audience {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let bad = || NameError::NotAPath { what: "audience", name: text.to_owned() };
        let (scope, namespace) = text.split_once('@').ok_or_else(bad)?;
        let namespace = Namespace::new(&unescaped(namespace).ok_or_else(bad)?)?;
        let scope = match scope.split_once(':') {
            None if scope == "everyone" => Scope::Everyone,
            Some((kind, name)) => {
                let name = unescaped(name).ok_or_else(bad)?;
                match kind {
                    "user" => Scope::User(UserId::new(&name)?),
                    "room" => Scope::Room(Room::new(&name)?),
                    "socket" => Scope::Socket(SocketId::new(&name)?),
                    _ => return Err(bad()),
                }
            }
            None => return Err(bad()),
        };
        Ok(Self { namespace, scope })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    //! How an audience is written, and that it reads back.

    use proptest::prelude::*;

    use super::*;

    pub(crate) fn any_audience() -> impl Strategy<Value = Audience> {
        let name = "\\PC{1,20}";
        let scope = prop_oneof![
            name.prop_map(|name| Scope::User(UserId::new(&name).unwrap())),
            name.prop_map(|name| Scope::Room(Room::new(&name).unwrap())),
            name.prop_map(|name| Scope::Socket(SocketId::new(&name).unwrap())),
            Just(Scope::Everyone),
        ];
        (scope, "/[^,?#\\pC]{0,10}").prop_map(|(scope, namespace)| Audience {
            scope,
            namespace: Namespace::new(&namespace).unwrap(),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_audience_reads_back(audience in any_audience()) {
            prop_assert_eq!(audience.to_string().parse(), Ok(audience));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[a-z:@/%,0-9]{0,40}") {
            if let Ok(audience) = text.parse::<Audience>() {
                prop_assert_eq!(audience.to_string().parse(), Ok(audience));
            }
        }
    }

    #[test]
    fn an_audience_is_scope_and_namespace() {
        let user = |name| Audience::tasks_of(UserId::new(name).unwrap()).to_string();
        assert_eq!(user("5"), "user:5@/notice");
        assert_eq!(user("a:b@c,d e%"), "user:a%3Ab%40c%2Cd%20e%25@/notice");
        let everyone = Audience { namespace: Namespace::root(), scope: Scope::Everyone };
        assert_eq!(everyone.to_string(), "everyone@/");
    }

    #[test]
    fn what_is_no_audience_is_refused() {
        for text in
            ["", "5", "user:5", "user@/", "user:@/", "team:5@/", "user:5@notice", "user:%ff@/"]
        {
            assert!(text.parse::<Audience>().is_err(), "{text:?} was taken");
        }
    }
}
