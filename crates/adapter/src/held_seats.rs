//! Seats that are held for clients that were cut off, on whatever node they come back.
//!
//! May enter: whose a seat is, and where it stands in each of its audiences. May not enter: what a client says to
//! get it back, and whether that will do.
//! Promise: what is kept here while a seat is taken outlives its node. One holder at a time: of several that take
//! a seat at once, one gets it.

use std::{fmt, sync::Arc, time::Duration};

use notice::{Audience, Namespace, NodeId, Position, SocketId, UserId};

use crate::{embedded, error::SeatError, redis};

/// The one list of the cluster.
#[derive(Clone, Debug)]
pub struct HeldSeats {
    road: Road,
}

#[derive(Clone, Debug)]
enum Road {
    Embedded(Arc<embedded::HeldList>),
    Redis(Arc<redis::Bus>),
}

/// What opens a held seat. Whoever knows it and is the same user gets the seat, so it is never logged.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct SeatKey(Arc<str>);

/// Who sits in a seat, or sat there last: a node, and which of its seats.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    pub node: NodeId,
    pub number: u64,
}

/// A seat as it is held.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeldSeat {
    pub socket: SocketId,
    pub namespace: Namespace,
    pub user: Option<UserId>,
    pub stands: Vec<(Audience, Stand)>,
}

/// A seat's membership in one audience.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stand {
    pub owed: Owed,
    /// It got in only where nobody else was.
    pub alone: bool,
    /// What its client showed opened the room.
    pub granted: bool,
}

/// What of an audience its client must be told that it does not say it has had.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Owed {
    /// What comes after this.
    After(Position),
    /// The audience was not counted: all that it counts from then on.
    All,
    /// It was about to be told how tasks stand, and nobody knows how much of that it got.
    Unknown,
}

/// What became of something that was done with a held seat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hold {
    Held,
    /// Another one holds it by now.
    Taken,
    /// It is held no more.
    Unknown,
}

impl HeldSeats {
    pub(crate) fn of_embedded(list: Arc<embedded::HeldList>) -> Self {
        Self { road: Road::Embedded(list) }
    }

    pub(crate) fn of_redis(bus: Arc<redis::Bus>) -> Self {
        Self { road: Road::Redis(bus) }
    }

    /// Holds `seat`, as it is now, for so long from now on.
    pub async fn keep(
        &self,
        key: &SeatKey,
        holder: &Holder,
        seat: &HeldSeat,
        held: Duration,
    ) -> Result<Hold, SeatError> {
        match &self.road {
            Road::Embedded(list) => list.keep(key, holder, seat, held),
            Road::Redis(bus) => bus.keep_seat(key, holder, seat, held).await,
        }
    }

    /// Who holds the seat, and what it is.
    pub async fn find(&self, key: &SeatKey) -> Result<Option<(Holder, HeldSeat)>, SeatError> {
        match &self.road {
            Road::Embedded(list) => Ok(list.find(key)),
            Road::Redis(bus) => bus.find_seat(key).await,
        }
    }

    /// Makes `to` the holder if `from` still is.
    pub async fn take(
        &self,
        key: &SeatKey,
        from: &Holder,
        to: &Holder,
        held: Duration,
    ) -> Result<Hold, SeatError> {
        match &self.road {
            Road::Embedded(list) => Ok(list.take(key, from, to, held)),
            Road::Redis(bus) => bus.take_seat(key, from, to, held).await,
        }
    }

    /// Holds each seat for so long from now on, and says for each what became of it.
    pub async fn renew(
        &self,
        seats: &[(SeatKey, Holder)],
        held: Duration,
    ) -> Vec<Result<Hold, SeatError>> {
        match &self.road {
            Road::Embedded(list) => {
                seats.iter().map(|(key, holder)| Ok(list.renew(key, holder, held))).collect()
            }
            Road::Redis(bus) => bus.renew_seats(seats, held).await,
        }
    }

    /// Holds the seat no more.
    pub async fn give_up(&self, key: &SeatKey, holder: &Holder) -> Result<Hold, SeatError> {
        match &self.road {
            Road::Embedded(list) => Ok(list.give_up(key, holder)),
            Road::Redis(bus) => bus.give_up_seat(key, holder).await,
        }
    }
}

impl SeatKey {
    /// Takes 16 to 64 letters, digits, `-` and `_` of ASCII.
    pub fn new(text: &str) -> Option<Self> {
        let fits = (16..=64).contains(&text.len());
        let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (fits && text.bytes().all(is_word)).then(|| Self(Arc::from(text)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SeatKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeatKey(…)")
    }
}
