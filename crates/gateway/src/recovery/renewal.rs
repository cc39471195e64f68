//! Seats stay held for as long as their clients sit in them.

use std::sync::Arc;

use adapter::{Hold, Holder, SeatKey};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Recovery;
use crate::{departure::Departure, seat::Seat, shared::Shared};

/// How many are renewed together.
const PART_LEN: usize = 256;

/// Renews what this node holds, until `stop`.
pub(crate) async fn renew(shared: &Shared, stop: CancellationToken) {
    let Some(recovery) = &shared.recovery else { return };
    let mut ticks = interval(recovery.renew_every());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        for part in held(shared).chunks(PART_LEN) {
            if stop.is_cancelled() {
                return;
            }
            renew_part(shared, recovery, part).await;
        }
    }
}

fn held(shared: &Shared) -> Vec<Arc<Seat>> {
    let seats = shared.sessions.all().into_iter().flat_map(|session| session.seats.all());
    seats.filter(|seat| seat.trail.is_some() && seat.is_live()).collect()
}

async fn renew_part(shared: &Shared, recovery: &Recovery, seats: &[Arc<Seat>]) {
    let names: Vec<(SeatKey, Holder)> = seats
        .iter()
        .filter_map(|seat| seat.trail.as_ref())
        .map(|trail| (trail.key.clone(), trail.holder.clone()))
        .collect();
    let renewed = recovery.seats.renew(&names, recovery.held()).await;
    for (seat, renewed) in seats.iter().zip(renewed) {
        match renewed {
            Ok(Hold::Held) => {}
            // The store has forgotten it.
            Ok(Hold::Unknown) => seat.hold_again().await,
            // Its client sits elsewhere by now.
            Ok(Hold::Taken) => seat.session.close(Departure::Client),
            // Redis is away: the rest would be told the same.
            Err(error) => return shared.events.not_held(&error),
        }
    }
}
