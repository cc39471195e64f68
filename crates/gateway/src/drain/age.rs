//! Sockets that have stayed long enough: where connections last for days, a new node would stay empty.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{departure::Departure, engine::Session, shared::Shared};

/// The shortest and the longest time between two looks.
const LOOK_MIN: Duration = Duration::from_millis(100);
const LOOK_MAX: Duration = Duration::from_secs(10);

/// Lets go who is past `limits.max_age`, or a little less by chance, until `stop`: those who came together
/// do not come back together.
pub(crate) async fn let_the_old_go(shared: &Shared, stop: CancellationToken) {
    let Some(age_max) = shared.config.age_max else { return };
    let mut looks = interval((age_max / 500).clamp(LOOK_MIN, LOOK_MAX));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let chance = RandomState::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        for session in shared.sessions.all() {
            let age = session.opened_at.elapsed().unwrap_or_default();
            if age >= share_of(age_max, &chance, &session) {
                session.leave(Departure::Age);
            }
        }
    }
}

/// Four fifths to all of it, the same each time it is asked.
fn share_of(age_max: Duration, chance: &RandomState, session: &Session) -> Duration {
    let twenty = u32::try_from(chance.hash_one(session.id.as_str()) % 201).unwrap_or_default();
    age_max * (800 + twenty) / 1_000
}
