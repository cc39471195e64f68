//! Where a notice stands among those of its audience.

use std::{fmt, str::FromStr, sync::Arc};

use crate::{audience::Audience, names::NameError};

/// One life of an audience's counter. A store that has forgotten an audience starts a new epoch, so
/// that an old cursor is recognised as such.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// Takes 1 to 32 ASCII letters and digits.
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=32).contains(&text.len());
        (fits && text.bytes().all(|b| b.is_ascii_alphanumeric())).then(|| Self(Arc::from(text)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in one audience's count. `seq` counts every notice of the audience without a gap, from 1.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Position {
    pub epoch: Epoch,
    pub seq: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

/// A notice's stable id, written `<audience>:<epoch>-<seq>`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoticeId {
    pub audience: Audience,
    pub position: Position,
}

impl fmt::Display for NoticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.audience, self.position)
    }
}

impl FromStr for NoticeId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let bad = || NameError::NotAPath { what: "notice id", name: text.to_owned() };
        let (audience, position) = text.rsplit_once(':').ok_or_else(bad)?;
        let (epoch, seq) = position.split_once('-').ok_or_else(bad)?;
        let epoch = Epoch::new(epoch).ok_or_else(bad)?;
        let digits = seq.bytes().all(|b| b.is_ascii_digit());
        let seq = seq.parse().ok().filter(|_| digits).ok_or_else(bad)?;
        Ok(Self { audience: audience.parse()?, position: Position { epoch, seq } })
    }
}

#[cfg(test)]
mod tests {
    //! What counts as an id, and that it reads back.

    use super::*;

    fn parsed(text: &str) -> Result<NoticeId, NameError> {
        text.parse()
    }

    #[test]
    fn an_id_is_written_as_audience_epoch_and_seq() {
        let id = parsed("user:5@/notice:a1-42").unwrap();
        assert_eq!(id.audience.to_string(), "user:5@/notice");
        assert_eq!(id.position, Position { epoch: Epoch::new("a1").unwrap(), seq: 42 });
        assert_eq!(id.to_string(), "user:5@/notice:a1-42");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let bad = [
            "",
            "42",
            "a1-42",
            "user:5@/notice",
            "user:5@/notice:a1",
            "user:5@/notice:-42",
            "user:5@/notice:a1-+42",
            "user:5@/notice:a1--42",
            "user:5@/notice:a 1-42",
            "user:5:a1-42",
            "user:5@/notice:a1-99999999999999999999",
            "@/notice:a1-1",
        ];
        for text in bad {
            assert!(parsed(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn an_epoch_has_1_to_32_letters_and_digits() {
        assert!(Epoch::new(&"a".repeat(32)).is_some());
        for text in ["", "a-b", "é", &"a".repeat(33)] {
            assert_eq!(Epoch::new(text), None, "{text:?}");
        }
    }
}
