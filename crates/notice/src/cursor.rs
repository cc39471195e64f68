//! What a client says it has seen: the last id of each audience.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::{
    audience::Audience,
    id::{NoticeId, Position},
    names::NameError,
};

/// The most audiences that a cursor names.
const AUDIENCES_MAX: usize = 64;
/// The longest text of a cursor, in bytes.
const CURSOR_BYTES_MAX: usize = 8 * 1024;

/// The last ids that a client saw, at most one of each audience; empty if it names none.
///
/// Written as ids joined by commas; [`FromStr`] reads the same form.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cursor {
    /// The one that moved last comes last.
    ids: Vec<NoticeId>,
}

/// Why a text is no cursor.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum CursorError {
    #[error("read cursor: got {len_bytes} bytes, expected at most {len_bytes_max}")]
    TooLong { len_bytes: usize, len_bytes_max: usize },
    #[error("read cursor: got more than {len_max} ids, expected at most that many")]
    TooMany { len_max: usize },
    #[error("read cursor: got audience {audience} twice, expected at most one id of each")]
    Repeated { audience: Audience },
    #[error("read cursor: expected ids like user:5@/notice:a1-42 joined by commas, but {0}")]
    Id(NameError),
}

impl Cursor {
    /// The place of the last notice seen of `audience`; `None` if the cursor does not name it.
    pub fn position(&self, audience: &Audience) -> Option<&Position> {
        self.ids.iter().find(|id| id.audience == *audience).map(|id| &id.position)
    }

    /// Names `audience` no more.
    pub fn forget(&mut self, audience: &Audience) {
        self.ids.retain(|id| id.audience != *audience);
    }

    /// Whether no audience is named.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Moves the cursor to `id` in that id's audience. Past 64 audiences or 8 KiB, the audience that
    /// moved least lately is left out.
    pub fn advance(&mut self, id: NoticeId) {
        self.ids.retain(|seen| seen.audience != id.audience);
        self.ids.push(id);
        while self.ids.len() > 1 && !self.fits() {
            self.ids.remove(0);
        }
    }

    fn fits(&self) -> bool {
        self.ids.len() <= AUDIENCES_MAX && self.to_string().len() <= CURSOR_BYTES_MAX
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, id) in self.ids.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            write!(f, "{id}")?;
        }
        Ok(())
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        if text.len() > CURSOR_BYTES_MAX {
            let (len_bytes, len_bytes_max) = (text.len(), CURSOR_BYTES_MAX);
            return Err(CursorError::TooLong { len_bytes, len_bytes_max });
        }
        let mut cursor = Self::default();
        if text.is_empty() {
            return Ok(cursor);
        }
        for id in text.split(',') {
            let id: NoticeId = id.parse().map_err(CursorError::Id)?;
            if cursor.ids.len() == AUDIENCES_MAX {
                return Err(CursorError::TooMany { len_max: AUDIENCES_MAX });
            }
            if cursor.position(&id.audience).is_some() {
                return Err(CursorError::Repeated { audience: id.audience });
            }
            cursor.ids.push(id);
        }
        Ok(cursor)
    }
}

#[cfg(test)]
mod tests;
