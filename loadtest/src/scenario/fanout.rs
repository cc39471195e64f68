//! One message to every socket at a steady rate: what a delivery costs, and how late it comes.

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::Instant;

use crate::{
    failure::Failure,
    pace::Pace,
    publisher::Publisher,
    report::Sheet,
    scenario::{meter::Meter, phase, seating, start},
    settings::Fanout,
    stats::quantile,
    swarm::{Swarm, Tally},
    target::Target,
};

/// Most deliveries of one run: their delays are kept, four bytes each.
const DELIVERIES_MAX: usize = 50_000_000;
/// From connecting the publisher to the first message.
const LEAD: Duration = Duration::from_millis(200);
/// How long after its last message a part is waited for. What has not come then is lost.
const TAIL: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(50);

/// Plays it to one server.
pub(crate) fn play(target: &Target, fanout: &Fanout, bar: &ProgressBar) -> Result<Sheet, Failure> {
    let sockets = fanout.common.sockets;
    let messages = bounded_messages(fanout)?;
    let server = start(target, &fanout.common)?;
    let meter = Meter::on(&server);
    let epoch = Instant::now();
    let mut swarm = Swarm::new(target.kind, server.at.public, epoch)?;

    let before = meter.read()?;
    phase(bar, "seating", sockets as u64);
    swarm.seat(sockets, |seated| bar.set_position(seated as u64))?;
    let seated = meter.read()?;

    let mut publisher = Publisher::connect(target.kind, server.at.publish)?;
    swarm.watch(&mut publisher)?;
    let mut volley =
        Volley { swarm: &mut swarm, publisher: &mut publisher, epoch, bytes: fanout.bytes };
    phase(bar, "warming up", fanout.rate.into());
    volley.play(sockets, fanout.rate, 0, fanout.rate, bar)?;
    let warm = meter.read()?;
    phase(bar, "publishing", messages.into());
    volley.play(sockets, fanout.rate, fanout.rate, messages, bar)?;
    let after = meter.read()?;

    let mut sheet = Sheet::default();
    let delivered = swarm.tally().delays_us.len();
    let spent = after.since(&warm);
    sheet.cost("CPU of a delivery", "µs", spent.server_micros(delivered));
    delays(&mut sheet, swarm.tally());
    seating(&mut sheet, sockets, &seated.since(&before));
    sheet.cost("RSS, all seated", "KiB/socket", seated.rss_grown(&before, sockets));
    sheet.cost("RSS afterwards", "KiB/socket", after.rss_grown(&before, sockets));
    sheet.note("generator's CPU of a delivery", "µs", spent.own_micros(delivered));
    outcome(&mut sheet, swarm.tally(), sockets * messages as usize);
    // A server without sockets has nothing to drain, and stops at once.
    drop(swarm);
    server.stop()?;
    Ok(sheet)
}

/// The messages of the measured part, if their deliveries can be kept.
fn bounded_messages(fanout: &Fanout) -> Result<u32, Failure> {
    let (messages, sockets) = (fanout.rate * fanout.seconds, fanout.common.sockets);
    if sockets * messages as usize > DELIVERIES_MAX {
        return Err(Failure::TooMuch { sockets, messages, deliveries_max: DELIVERIES_MAX });
    }
    Ok(messages)
}

/// One publisher and its listeners.
struct Volley<'a> {
    swarm: &'a mut Swarm,
    publisher: &'a mut Publisher,
    epoch: Instant,
    bytes: usize,
}

impl Volley<'_> {
    /// Publishes `messages` at their times, and listens until all have come or time is up.
    fn play(
        &mut self,
        sockets: usize,
        rate: u32,
        seq_first: u32,
        messages: u32,
        bar: &ProgressBar,
    ) -> Result<(), Failure> {
        let deliveries = sockets * messages as usize;
        self.swarm.begin(deliveries);
        let mut pace = Pace::new(self.epoch.elapsed() + LEAD, rate, seq_first, messages);
        let mut last_sent = self.epoch.elapsed();
        loop {
            let now = self.epoch.elapsed();
            while let Some(mark) = pace.take(now) {
                self.publisher.post(mark, self.bytes)?;
                bar.inc(1);
                last_sent = now;
            }
            let wait = match pace.next() {
                Some(mark) => mark.due.saturating_sub(now).min(STEP),
                None if self.swarm.tally().delays_us.len() >= deliveries => return Ok(()),
                None if now > last_sent + TAIL => return Ok(()),
                None => STEP,
            };
            self.swarm.turn(wait, Some(&mut *self.publisher))?;
        }
    }
}

fn delays(sheet: &mut Sheet, tally: &Tally) {
    let mut sorted = tally.delays_us.clone();
    sorted.sort_unstable();
    for (name, permille) in [("delay p50", 500), ("delay p99", 990), ("delay max", 1000)] {
        let millis = quantile(&sorted, permille).map_or(0.0, |micros| f64::from(micros) / 1e3);
        sheet.cost(name, "ms", millis);
    }
}

fn outcome(sheet: &mut Sheet, tally: &Tally, expected: usize) {
    let delivered = tally.delays_us.len();
    sheet.count("deliveries", delivered);
    sheet.count("lost", expected.saturating_sub(delivered));
    sheet.count("out of order", tally.disordered);
    sheet.count("departed", tally.departed);
}
