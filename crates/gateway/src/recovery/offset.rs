//! How far a client has come in each audience, as the last argument of an event.

use std::fmt;

use notice::{Epoch, Position};

/// Audiences of which one seat remembers how far it has come. In more at once nobody gets a seat back.
pub(super) const POSITIONS_MAX: usize = 32;
const TEXT_BYTES_MAX: usize = 2 * 1024;

/// In place of the positions where they are too many.
const TOO_MANY: &str = "~";

/// Written `<epoch>-<seq>` joined by dots. No two audiences have the same epoch, so it names its audience.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Offset {
    pub(super) positions: Vec<Position>,
    /// There were more.
    pub(super) is_cut: bool,
}

impl Offset {
    /// `None`: it is no offset of ours.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if text == TOO_MANY {
            return Some(Self { positions: Vec::new(), is_cut: true });
        }
        if text.is_empty() || text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let positions = text.split('.').map(|position| {
            let (epoch, seq) = position.split_once('-')?;
            let is_number = seq.bytes().all(|b| b.is_ascii_digit());
            let seq = seq.parse().ok().filter(|_| is_number)?;
            Some(Position { epoch: Epoch::new(epoch)?, seq })
        });
        let positions: Vec<_> = positions.collect::<Option<_>>()?;
        (positions.len() <= POSITIONS_MAX).then_some(Self { positions, is_cut: false })
    }

    /// How far its client has come in the audience of this epoch.
    pub(super) fn seq(&self, epoch: &Epoch) -> Option<u64> {
        self.positions.iter().filter(|at| at.epoch == *epoch).map(|at| at.seq).max()
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_cut {
            return f.write_str(TOO_MANY);
        }
        for (index, position) in self.positions.iter().enumerate() {
            let dot = if index > 0 { "." } else { "" };
            write!(f, "{dot}{position}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    //! What counts as an offset, and that it reads back.

    use super::*;

    #[test]
    fn an_offset_reads_back() {
        for text in ["a1-42", "a1-42.b2-7", "~"] {
            assert_eq!(Offset::read(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_offset_is_not_taken() {
        let long = ["abcdefghijkl-1"; POSITIONS_MAX + 1].join(".");
        for text in ["", "a1", "a1-", "a1-x", "a1-+1", ".a1-1", "a1-1.", "~~", "é-1", &long] {
            assert_eq!(Offset::read(text), None, "{text}");
        }
    }
}
