//! What a node shows its neighbours, and nobody else: who has it may come in by the internal port and speak to
//! the public one. Drawn anew with each life of a process.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Ticket(String);

impl Ticket {
    /// 256 bits by chance.
    pub(super) fn draw() -> Self {
        let mut secret = [0; 32];
        rand::rng().fill_bytes(&mut secret);
        Self(URL_SAFE_NO_PAD.encode(secret))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes as long whatever is shown.
    pub(super) fn is(&self, shown: &[u8]) -> bool {
        !self.0.is_empty() && bool::from(self.0.as_bytes().ct_eq(shown))
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_ticket_lets_in_and_none_never_does() {
        let (one, other) = (Ticket::draw(), Ticket::draw());
        assert!(one.is(one.as_str().as_bytes()));
        assert!(!one.is(other.as_str().as_bytes()) && !one.is(b""));
        assert!(!Ticket::default().is(b""));
    }

    #[test]
    fn a_ticket_does_not_show_itself_in_logs() {
        let ticket = Ticket::draw();
        assert!(!format!("{ticket:?}").contains(ticket.as_str()));
    }
}
