//! Messages at a steady rate, each at its time whatever became of the ones before.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    failure::Failure, mark::Mark, pace::Pace, publisher::Publisher, swarm::Swarm, tally::Tally,
};

/// From connecting the publishers to the first message.
pub(super) const LEAD: Duration = Duration::from_millis(200);
/// How long after its last message a part is waited for. What has not come then is lost.
const TAIL: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(50);

/// Has `hand_in` hand in what is due, and listens until there were so many deliveries or time is up. Time counts
/// from `epoch`.
pub(super) fn volley(
    swarm: &mut Swarm<Tally>,
    publishers: &mut [Publisher],
    (epoch, mut pace): (Instant, Pace),
    deliveries: usize,
    mut hand_in: impl FnMut(&mut [Publisher], Mark) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut last_sent = epoch.elapsed();
    loop {
        let now = epoch.elapsed();
        while let Some(mark) = pace.take(now) {
            hand_in(publishers, mark)?;
            last_sent = now;
        }
        let wait = match pace.next() {
            Some(mark) => mark.due.saturating_sub(now).min(STEP),
            None if swarm.listener().delays_us.len() >= deliveries => return Ok(()),
            None if now > last_sent + TAIL => return Ok(()),
            None => STEP,
        };
        swarm.turn(wait, publishers)?;
    }
}
