//! The identifiers that outsiders choose. Each constructor is the only check; later code cannot hold
//! a bad one.

use std::{fmt, sync::Arc};

use thiserror::Error;

/// The longest user id, room or namespace, in bytes.
const NAME_BYTES_MAX: usize = 512;

/// Why a text cannot be a name. `what` is the word a caller knows it by, as in `room`.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum NameError {
    #[error("{what} is empty")]
    Empty { what: &'static str },
    #[error("{what} is {len_bytes} bytes long, and {len_bytes_max} are allowed")]
    TooLong { what: &'static str, len_bytes: usize, len_bytes_max: usize },
    #[error("{what} holds a control character")]
    Control { what: &'static str },
    #[error("{what} {name:?} does not begin with a slash, or holds one of `,` `?` `#`")]
    NotAPath { what: &'static str, name: String },
    #[error("{what} {name:?} is none of those that there are")]
    Unknown { what: &'static str, name: String },
}

fn checked(what: &'static str, name: &str) -> Result<Arc<str>, NameError> {
    if name.is_empty() {
        return Err(NameError::Empty { what });
    }
    if name.len() > NAME_BYTES_MAX {
        let (len_bytes, len_bytes_max) = (name.len(), NAME_BYTES_MAX);
        return Err(NameError::TooLong { what, len_bytes, len_bytes_max });
    }
    if name.chars().any(char::is_control) {
        return Err(NameError::Control { what });
    }
    Ok(Arc::from(name))
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $type(Arc<str>);

        impl $type {
            /// Takes 1 to 512 bytes without control characters.
            pub fn new(name: &str) -> Result<Self, NameError> {
                checked($what, name).map(Self)
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

name! {
    /// A user, as workers and tokens name one. Ids are strings; a JSON number means its decimal text.
    UserId, "user"
}
name! {
    /// A room within a namespace. Room 5 is not user 5.
    Room, "room"
}
name! {
    /// One socket, by the id its own client knows.
    SocketId, "socket"
}
name! {
    /// A word by which a client that comes back is known to be the one that left.
    ResumeKey, "resume"
}
name! {
    /// One token of a user, as its `jti` names it.
    TokenId, "token"
}
name! {
    /// One process of the cluster, for as long as it lives.
    NodeId, "node"
}

/// A Socket.IO namespace, without its query: `/` or `/notice`.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Namespace(Arc<str>);

impl Namespace {
    /// Where task notices go.
    pub const NOTICE: &str = "/notice";

    /// Takes a name that begins with a slash and holds none of `,` `?` `#`, which the Socket.IO
    /// packet format uses itself.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let what = "namespace";
        let checked = checked(what, name)?;
        if !name.starts_with('/') || name.contains([',', '?', '#']) {
            return Err(NameError::NotAPath { what, name: name.to_owned() });
        }
        Ok(Self(checked))
    }

    /// `/notice`.
    pub fn notice() -> Self {
        Self(Arc::from(Self::NOTICE))
    }

    /// `/`.
    pub fn root() -> Self {
        Self(Arc::from("/"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_root(&self) -> bool {
        &*self.0 == "/"
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    //! Which texts are names.

    use super::*;

    #[test]
    fn a_name_has_1_to_512_bytes() {
        assert_eq!(UserId::new(""), Err(NameError::Empty { what: "user" }));
        assert!(Room::new(&"r".repeat(512)).is_ok());
        let too_long = NameError::TooLong { what: "room", len_bytes: 513, len_bytes_max: 512 };
        assert_eq!(Room::new(&"r".repeat(513)), Err(too_long));
    }

    #[test]
    fn a_name_holds_no_control_character() {
        for name in ["a\nb", "\0", "\u{7f}", "\u{85}"] {
            assert_eq!(SocketId::new(name), Err(NameError::Control { what: "socket" }), "{name:?}");
        }
    }

    #[test]
    fn a_name_may_be_of_any_script() {
        assert_eq!(UserId::new("用户 🙂").unwrap().as_str(), "用户 🙂");
    }

    #[test]
    fn a_namespace_begins_with_a_slash_and_holds_no_packet_syntax() {
        assert!(Namespace::new("/").unwrap().is_root());
        assert_eq!(Namespace::new("/notice"), Ok(Namespace::notice()));
        for name in ["notice", "/a,b", "/a?b", "/a#b"] {
            let bad = NameError::NotAPath { what: "namespace", name: name.to_owned() };
            assert_eq!(Namespace::new(name), Err(bad));
        }
    }
}
