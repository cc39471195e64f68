//! What was granted once and holds no more.

use std::{fmt, str::FromStr, time::SystemTime};

use crate::names::{NameError, TokenId, UserId};

/// Whose tokens are meant.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Revoked {
    Everyone,
    User(UserId),
    /// One token.
    Token(TokenId),
}

/// Of whom it is about, what was issued before an instant is refused. One token is refused whenever it was
/// issued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revocation {
    pub whom: Revoked,
    pub before: SystemTime,
}

impl fmt::Display for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::User(user) => write!(f, "user:{user}"),
            Self::Token(token) => write!(f, "token:{token}"),
        }
    }
}

impl FromStr for Revoked {
    type Err = NameError;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once(':') {
            Some(("user", user)) => UserId::new(user).map(Self::User),
            Some(("token", token)) => TokenId::new(token).map(Self::Token),
            _ if text == "everyone" => Ok(Self::Everyone),
            _ => Err(NameError::Unknown { what: "revoked", name: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_it_is_about_is_read_as_it_is_written() {
        let whom = [
            Revoked::Everyone,
            Revoked::User(UserId::new("token:5").unwrap()),
            Revoked::Token(TokenId::new("a:b").unwrap()),
        ];
        for whom in whom {
            assert_eq!(whom.to_string().parse(), Ok(whom));
        }
        for none in ["", "all", "user:", "room:5"] {
            assert!(none.parse::<Revoked>().is_err(), "{none}");
        }
    }
}
