//! Notices for users who are not there: what node B, which has no part in them, receives from
//! Redis and spends.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    failure::Failure,
    pace::Pace,
    publisher::Publisher,
    report::Sheet,
    scenario::{
        cluster::{Stage, TAIL, road::Road},
        meter::{Reading, micros},
        phase,
    },
    stats::share,
    target::bytes_received,
};

/// After the last notice, so that what it set going is counted too.
const REST: Duration = Duration::from_millis(500);

/// Node B at one moment.
struct View {
    bytes: u64,
    reading: Reading,
}

/// What B received and spent between two views.
struct Share {
    bytes: f64,
    cpu_micros: f64,
}

pub(super) fn play(stage: &mut Stage<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let notices = stage.cluster.absent;
    let length = Duration::from_secs(1) * notices / stage.cluster.rate + REST;
    let mut publishers = Road::Emit.open(stage)?;

    phase(stage.bar, "quiet", 0);
    let first = view(stage)?;
    stage.swarm.rest(Instant::now() + length, || {})?;
    let second = view(stage)?;
    phase(stage.bar, "absent", notices.into());
    hand_in(stage, &mut publishers, notices, length)?;
    let third = view(stage)?;
    stage.swarm.unwatch(&mut publishers)?;

    let (quiet, meanwhile) = (second.since(&first, notices), third.since(&second, notices));
    sheet.note("absent: B's bytes, were it quiet", "", quiet.bytes);
    sheet.cost("absent: B's bytes of a notice", "", meanwhile.bytes);
    sheet.note("absent: B's CPU, were it quiet", "µs", quiet.cpu_micros);
    sheet.cost("absent: B's CPU of a notice", "µs", meanwhile.cpu_micros);
    Ok(())
}

/// Hands the notices in, and returns when `length` is over and all were answered.
fn hand_in(
    stage: &mut Stage<'_>,
    publishers: &mut [Publisher],
    notices: u32,
    length: Duration,
) -> Result<(), Failure> {
    let start = stage.epoch.elapsed();
    let mut pace = Pace::new(start, stage.cluster.rate, 0, notices);
    loop {
        let now = stage.epoch.elapsed();
        while let Some(mark) = pace.take(now) {
            let connection = mark.seq as usize % publishers.len();
            let (kind, bytes) = (stage.kind(), stage.cluster.bytes);
            let user = format!("absent-{}", mark.seq);
            Road::Emit.hand_in(kind, &mut publishers[connection], &user, mark, bytes)?;
            stage.bar.inc(1);
        }
        let answered = publishers.iter().all(|publisher| publisher.unanswered == 0);
        let over = now >= start + length && answered;
        if over || now >= start + length + TAIL {
            return Ok(());
        }
        stage.swarm.turn(Duration::from_millis(1), publishers)?;
    }
}

fn view(stage: &Stage<'_>) -> Result<View, Failure> {
    let bytes = bytes_received(stage.pair.b.id(), stage.pair.redis.address)?;
    Ok(View { bytes, reading: stage.meter.read()? })
}

impl View {
    /// For each of `notices`.
    #[expect(clippy::cast_precision_loss, reason = "bytes here are far below 2^52")]
    fn since(&self, earlier: &Self, notices: u32) -> Share {
        let bytes = self.bytes.saturating_sub(earlier.bytes) as f64;
        let spent = self.reading.since(&earlier.reading);
        let b = spent.servers.last().copied().unwrap_or_default();
        Share { bytes: share(bytes, notices.into()), cpu_micros: micros(b, notices as usize) }
    }
}
