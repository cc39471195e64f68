//! Notices at a steady rate, each at its time whatever became of the ones before.

use crate::{
    failure::Failure,
    pace::Pace,
    publisher::Publisher,
    report::Sheet,
    scenario::{
        cluster::{Stage, road::Road},
        delays, phase,
        volley::{self, LEAD},
    },
};

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
    let pace = Pace::new(stage.epoch.elapsed() + LEAD, stage.cluster.rate, seq_first, notices);
    let (kind, bytes, users) = (stage.kind(), stage.cluster.bytes, stage.cluster.users);
    let Stage { swarm, bar, epoch, .. } = stage;
    volley::volley(swarm, publishers, (*epoch, pace), notices as usize, |publishers, mark| {
        bar.inc(1);
        let user = (mark.seq - seq_first) as usize % users;
        let connection = user % publishers.len();
        let publisher = &mut publishers[connection];
        Road::Emit.hand_in(kind, publisher, &user.to_string(), mark, bytes)
    })
}
