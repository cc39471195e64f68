//! Notices handed in at node A for users at node B, Redis between them: in a burst to nodes just
//! started, paced, in bursts by each road there is, and for users who are nowhere.

mod absent;
mod burst;
mod paced;
mod road;

pub(super) use self::road::Road;

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::Instant;

use crate::{
    failure::Failure,
    publisher::Publisher,
    report::Sheet,
    scenario::{
        meter::{Meter, Spent, micros},
        phase, placing,
    },
    settings::Cluster,
    swarm::Swarm,
    tally::Tally,
    target::{Kind, Pair, Target},
};

/// How long after its last notice a part is waited for. What has not come then is lost.
const TAIL: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(50);

/// A pair with its clients seated.
struct Stage<'a> {
    target: &'a Target,
    cluster: &'a Cluster,
    pair: Pair,
    meter: Meter,
    swarm: Swarm<Tally>,
    epoch: Instant,
    /// The number of the next part's first notice. No two notices of a run share one.
    seq_next: u32,
    bar: &'a ProgressBar,
}

/// Plays it to one pair.
pub(super) fn play(
    target: &Target,
    cluster: &Cluster,
    bar: &ProgressBar,
) -> Result<Sheet, Failure> {
    let mut stage = Stage::set(target, cluster, bar)?;
    let mut sheet = Sheet::default();
    burst::play(&mut stage, Road::Emit, "first burst", &mut sheet)?;
    paced::play(&mut stage, &mut sheet)?;
    for road in Road::ALL {
        if road.is_there(&stage)? {
            burst::play(&mut stage, road, road.name(), &mut sheet)?;
        }
    }
    absent::play(&mut stage, &mut sheet)?;
    sheet.count("departed", stage.swarm.roll().departed);
    // A server without sockets has nothing to drain, and stops at once.
    drop(stage.swarm);
    stage.pair.stop()?;
    Ok(sheet)
}

impl<'a> Stage<'a> {
    /// Starts the pair and seats all users at B.
    fn set(
        target: &'a Target,
        cluster: &'a Cluster,
        bar: &'a ProgressBar,
    ) -> Result<Self, Failure> {
        let pair = Pair::start(target, placing(&cluster.common))?;
        let meter = Meter::on_pair(&pair);
        let epoch = Instant::now();
        let mut swarm = Swarm::new(target.entrance(), pair.b.at.public, epoch, Tally::default())?;
        phase(bar, "seating", cluster.users as u64);
        swarm.seat(cluster.users, |seated| bar.set_position(seated as u64))?;
        Ok(Self { target, cluster, pair, meter, swarm, epoch, seq_next: 0, bar })
    }

    fn kind(&self) -> Kind {
        self.target.kind
    }

    /// The user of the notice that is the `index`th of its part.
    fn user(&self, index: u32) -> usize {
        index as usize % self.cluster.users
    }

    /// Forgets what was heard and answers the number of the first of `notices`.
    fn begin(&mut self, notices: u32) -> u32 {
        let seq_first = self.seq_next;
        self.seq_next += notices;
        self.swarm.listener().begin(notices as usize, seq_first, notices);
        seq_first
    }

    fn turn(&mut self, wait: Duration, publishers: &mut [Publisher]) -> Result<(), Failure> {
        self.swarm.turn(wait, publishers)?;
        self.bar.set_position(self.swarm.listener().delays_us.len() as u64);
        Ok(())
    }

    /// Whether all of `notices` have come, or have been waited for long enough since `last_sent`.
    fn is_over(&mut self, notices: u32, last_sent: Duration) -> bool {
        let all = self.swarm.listener().delays_us.len() >= notices as usize;
        all || self.epoch.elapsed() > last_sent + TAIL
    }

    /// Says what a part named `name` cost for each of `notices`, and what came of them.
    fn outcome(&mut self, sheet: &mut Sheet, name: &str, spent: &Spent, notices: u32) {
        let count = notices as usize;
        sheet.cost(format!("{name}: CPU of both nodes"), "µs", spent.server_micros(count));
        for (node, spent) in ["A", "B"].iter().zip(&spent.servers) {
            sheet.note(format!("{name}: of it {node}'s"), "µs", micros(*spent, count));
        }
        sheet.cost(format!("{name}: CPU of Redis"), "µs", micros(spent.redis, count));
        sheet.note(format!("{name}: generator's CPU"), "µs", spent.own_micros(count));
        let tally = self.swarm.listener();
        let delivered = tally.distinct();
        sheet.count(format!("{name}: delivered"), delivered);
        sheet.count(format!("{name}: lost"), count.saturating_sub(delivered));
        sheet.count(format!("{name}: out of order"), tally.disordered);
    }
}
