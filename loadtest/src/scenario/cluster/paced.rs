//! Notices at a steady rate, each at its time whatever became of the ones before.

use std::time::Duration;

use crate::{
    failure::Failure,
    pace::Pace,
    publisher::Publisher,
    report::Sheet,
    scenario::{
        cluster::{STEP, Stage, road::Road},
        delays, phase,
    },
};

/// From connecting to the first notice.
const LEAD: Duration = Duration::from_millis(200);

pub(super) fn play(stage: &mut Stage<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let (rate, seconds) = (stage.cluster.rate, stage.cluster.seconds);
    let mut publishers = Road::Emit.open(stage)?;
    phase(stage.bar, "warming up", rate.into());
    volley(stage, &mut publishers, rate)?;
    phase(stage.bar, "paced", (rate * seconds).into());
    let before = stage.meter.read()?;
    volley(stage, &mut publishers, rate * seconds)?;
    let spent = stage.meter.read()?.since(&before);
    stage.swarm.unwatch(&mut publishers)?;

    delays(sheet, "paced: delay", &stage.swarm.listener().delays_us);
    stage.outcome(sheet, "paced", &spent, rate * seconds);
    Ok(())
}

/// Hands in `notices` at their times, and listens until all have come or time is up.
fn volley(
    stage: &mut Stage<'_>,
    publishers: &mut [Publisher],
    notices: u32,
) -> Result<(), Failure> {
    let seq_first = stage.begin(notices);
    let start = stage.epoch.elapsed() + LEAD;
    let mut pace = Pace::new(start, stage.cluster.rate, seq_first, notices);
    let mut last_sent = start;
    loop {
        let now = stage.epoch.elapsed();
        while let Some(mark) = pace.take(now) {
            let user = stage.user(mark.seq - seq_first);
            let connection = user % publishers.len();
            let (kind, bytes) = (stage.kind(), stage.cluster.bytes);
            let publisher = &mut publishers[connection];
            Road::Emit.hand_in(kind, publisher, &user.to_string(), mark, bytes)?;
            last_sent = now;
        }
        let wait = match pace.next() {
            Some(mark) => mark.due.saturating_sub(now).min(STEP),
            None if stage.is_over(notices, last_sent) => return Ok(()),
            None => STEP,
        };
        stage.turn(wait, publishers)?;
    }
}
