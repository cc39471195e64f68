//! What the other nodes take of those who leave this one, as far as they have said.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::{others::About, shared::Shared};

/// How often they are looked at: they say what is new of them about as often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long the looking may take; those who leave do not wait for it.
const LOOK_WITHIN: Duration = Duration::from_millis(200);

/// Of what a node accepts in a second, a newcomer may need some: a poll, a post, a WebSocket.
const CONNECTIONS_OF_ONE: usize = 4;

/// How many the others take, from one look to the next.
#[derive(Debug, Default)]
pub(super) struct Room {
    looked_at: Option<Instant>,
    /// None: it is not known, or nobody else is there to be spared.
    left: Option<usize>,
    /// Told since the others have said how many they have.
    on_their_way: usize,
}

impl Room {
    /// Looks again if it is time to.
    pub(super) async fn look(&mut self, shared: &Shared, now: Instant) {
        if self.looked_at.is_some_and(|looked_at| now < looked_at + LOOK_EVERY) {
            return;
        }
        self.looked_at = Some(now);
        self.left = match others(shared).await {
            Some(others) => room_of(&others, std::mem::take(&mut self.on_their_way)),
            None => None,
        };
    }

    pub(super) fn left(&self) -> Option<usize> {
        self.left
    }

    /// So many are told to go.
    pub(super) fn take(&mut self, sockets: usize) {
        self.on_their_way += sockets;
        self.left = self.left.map(|left| left.saturating_sub(sockets));
    }
}

/// The other nodes that take newcomers. None: it cannot be known now.
pub(super) async fn others(shared: &Shared) -> Option<Vec<About>> {
    let living = timeout(LOOK_WITHIN, shared.nodes.living()).await.ok()?.ok()?;
    let others = living.iter().filter(|living| living.node != shared.config.node);
    Some(others.map(About::read).filter(About::takes_newcomers).collect())
}

/// Those who were told a moment ago are not among the sockets that the others have counted.
fn room_of(others: &[About], on_their_way: usize) -> Option<usize> {
    if others.is_empty() {
        return None;
    }
    let places: usize = others.iter().map(About::headroom).sum();
    let a_second: usize = others.iter().map(|about| about.accepts_per_second).sum();
    let places = places.saturating_sub(on_their_way);
    // One of a release that does not say how many it accepts.
    let a_second = if a_second == 0 { usize::MAX } else { a_second / CONNECTIONS_OF_ONE };
    Some(places.min(a_second))
}

#[cfg(test)]
mod tests {
    //! What is left for whom.

    use super::*;

    fn about(sockets: usize, sockets_max: usize, accepts_per_second: usize) -> About {
        About { sockets, sockets_max, accepts_per_second, ..About::default() }
    }

    #[test]
    fn the_room_is_what_all_have_less_who_is_on_the_way() {
        let others = [about(90, 100, 2_000), about(100, 100, 2_000)];
        assert_eq!(room_of(&others, 0), Some(10));
        assert_eq!(room_of(&others, 4), Some(6));
        assert_eq!(room_of(&others, 40), Some(0));
    }

    #[test]
    fn no_more_go_in_a_second_than_the_others_accept() {
        assert_eq!(room_of(&[about(0, 100_000, 100)], 0), Some(25));
        assert_eq!(room_of(&[about(0, 100_000, 0)], 0), Some(100_000));
    }

    #[test]
    fn where_nobody_else_is_nobody_is_spared() {
        assert_eq!(room_of(&[], 0), None);
    }
}
