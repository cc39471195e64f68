//! Whether a client gets its seat back. Nothing is changed until that is sure, but for who holds it.

use std::sync::Arc;

use adapter::{HeldSeat, Hold, Holder, Owed, SeatKey, Stand};
use futures_util::future::try_join_all;
use notice::{Audience, Position, Scope};

use super::{Recovery, claim::Claim, ghost::put_out_ghost, of, offset::Offset};
use crate::{engine::Session, events::Recovered, shared::Shared, socket::Admitted};

/// A seat that is given back.
#[derive(Debug)]
pub(crate) struct Resumption {
    pub(super) key: SeatKey,
    pub(super) holder: Holder,
    pub(super) seat: HeldSeat,
    /// After what its client has missed something, for each audience that counts.
    pub(super) since: Vec<(Audience, Position)>,
}

impl Claim {
    /// `None`: its client is a newcomer.
    pub(crate) async fn resume(
        self,
        session: &Arc<Session>,
        admitted: &Admitted,
    ) -> Option<Resumption> {
        let shared = &session.shared;
        match self.try_resume(shared, of(session)?, admitted).await {
            Ok(resumption) => Some(resumption),
            Err(why) => {
                shared.events.recovered(why);
                None
            }
        }
    }

    async fn try_resume(
        self,
        shared: &Arc<Shared>,
        recovery: &Recovery,
        admitted: &Admitted,
    ) -> Result<Resumption, Recovered> {
        let Self { key, offset } = self;
        let found = recovery.seats.find(&key).await.map_err(|error| {
            shared.events.not_held(&error);
            Recovered::Away
        })?;
        let (held_by, seat) = found.ok_or(Recovered::Unknown)?;
        if seat.namespace != admitted.namespace || seat.user != admitted.identity.user {
            return Err(Recovered::OtherUser);
        }
        if !is_granted(&seat, admitted) {
            return Err(Recovered::NotGranted);
        }
        let since = owed((shared, recovery), &seat, &offset).await?;
        let holder = recovery.holder();
        let taken = recovery.seats.take(&key, &held_by, &holder, recovery.held()).await;
        match taken {
            Ok(Hold::Held) => {}
            Ok(Hold::Taken | Hold::Unknown) => return Err(Recovered::Taken),
            Err(error) => {
                shared.events.not_held(&error);
                return Err(Recovered::Away);
            }
        }
        put_out_ghost(shared, &held_by, &seat);
        Ok(Resumption { key, holder, seat, since })
    }
}

/// Whether its client may still be where what it showed had let it in.
fn is_granted(seat: &HeldSeat, admitted: &Admitted) -> bool {
    let Some(grant) = &admitted.grant else { return true };
    seat.stands.iter().all(|(audience, stand)| match &audience.scope {
        Scope::Room(room) if stand.granted => grant.rooms.cover(room),
        _ => true,
    })
}

/// From where on the client has missed what of each audience, if all of that is still known.
async fn owed(
    (shared, recovery): (&Shared, &Recovery),
    seat: &HeldSeat,
    offset: &Offset,
) -> Result<Vec<(Audience, Position)>, Recovered> {
    if offset.is_cut {
        return Err(Recovered::TooMany);
    }
    let each = seat.stands.iter();
    let each = each.map(|(audience, stand)| since((shared, recovery), audience, stand, offset));
    Ok(try_join_all(each).await?.into_iter().flatten().collect())
}

/// `None`: the audience is not counted, so nothing came of late.
async fn since(
    (shared, recovery): (&Shared, &Recovery),
    audience: &Audience,
    stand: &Stand,
    offset: &Offset,
) -> Result<Option<(Audience, Position)>, Recovered> {
    let standing = recovery.standing(&shared.store, audience).await;
    let standing = standing.map_err(|error| {
        shared.events.store_away(&error);
        Recovered::Away
    })?;
    let passed = standing.as_ref().and_then(|it| offset.seq(&it.position.epoch));
    if stand.owed == Owed::Unknown && passed.is_none() {
        return Err(Recovered::Unsettled);
    }
    let Some(standing) = standing else { return Ok(None) };
    let epoch = standing.position.epoch.clone();
    let joined = match &stand.owed {
        Owed::After(position) if position.epoch == epoch => position.seq,
        // The count began after its client came, or anew after it had long been quiet.
        _ => 0,
    };
    let since = Position { epoch, seq: passed.unwrap_or_default().max(joined) };
    if standing.reaches_back_to(&since) {
        Ok(Some((audience.clone(), since)))
    } else {
        Err(Recovered::Gap)
    }
}
