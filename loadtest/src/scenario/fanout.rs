//! One message to every socket, at a steady rate or as fast as they are taken: what a delivery costs, and how
//! late it comes.

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::Instant;

use crate::{
    failure::Failure,
    pace::Pace,
    publisher::{Publisher, Speech},
    report::Sheet,
    scenario::{delays, meter::Meter, phase, placing, seating},
    settings::Fanout,
    swarm::Swarm,
    tally::Tally,
    target::{Kind, Server, Target},
};

/// Most deliveries of one run: their delays are kept, four bytes each.
const DELIVERIES_MAX: usize = 50_000_000;
/// From connecting the publisher to the first message.
const LEAD: Duration = Duration::from_millis(200);
/// How long after its last message a part is waited for. What has not come then is lost.
const TAIL: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(50);
/// Messages of a burst are all due at once, nearly.
const BURST_RATE: u32 = 1_000_000;

/// Plays it to one server.
pub(crate) fn play(target: &Target, fanout: &Fanout, bar: &ProgressBar) -> Result<Sheet, Failure> {
    let sockets = fanout.sockets;
    let messages = bounded_messages(fanout)?;
    let server = Server::start(target, None, placing(&fanout.common))?;
    let meter = Meter::on(&server);
    let epoch = Instant::now();
    let mut swarm = Swarm::new(target.kind, server.at.public, epoch, Tally::default())?;

    let before = meter.read()?;
    phase(bar, "seating", sockets as u64);
    swarm.seat(sockets, |seated| bar.set_position(seated as u64))?;
    let seated = meter.read()?;

    let mut publisher = [Publisher::connect(Speech::Http, server.at.publish)?];
    swarm.watch(&mut publisher)?;
    let (kind, bytes) = (target.kind, fanout.bytes);
    let mut volley = Volley { swarm: &mut swarm, publisher: &mut publisher, kind, epoch, bytes };
    phase(bar, "warming up", fanout.rate.into());
    volley.play(sockets, fanout.rate, 0, fanout.rate, bar)?;
    let warm = meter.read()?;
    phase(bar, "publishing", messages.into());
    let rate = if fanout.burst.is_some() { BURST_RATE } else { fanout.rate };
    volley.play(sockets, rate, fanout.rate, messages, bar)?;
    let after = meter.read()?;

    let mut sheet = Sheet::default();
    let delivered = swarm.listener().delays_us.len();
    let spent = after.since(&warm);
    sheet.cost("CPU of a delivery", "µs", spent.server_micros(delivered));
    delays(&mut sheet, "delay", &swarm.listener().delays_us);
    seating(&mut sheet, sockets, &seated.since(&before));
    sheet.cost("RSS, all seated", "KiB/socket", seated.rss_grown(&before, sockets));
    sheet.cost("RSS afterwards", "KiB/socket", after.rss_grown(&before, sockets));
    sheet.note("generator's CPU of a delivery", "µs", spent.own_micros(delivered));
    outcome(&mut sheet, swarm.listener(), sockets * messages as usize);
    sheet.count("departed", swarm.roll().departed);
    // A server without sockets has nothing to drain, and stops at once.
    drop(swarm);
    server.stop()?;
    Ok(sheet)
}

/// The messages of the measured part, if their deliveries can be kept.
fn bounded_messages(fanout: &Fanout) -> Result<u32, Failure> {
    let messages = fanout.burst.unwrap_or(fanout.rate * fanout.seconds);
    let sockets = fanout.sockets;
    if sockets * messages as usize > DELIVERIES_MAX {
        return Err(Failure::TooMuch { sockets, messages, deliveries_max: DELIVERIES_MAX });
    }
    Ok(messages)
}

/// One publisher and its listeners.
struct Volley<'a> {
    swarm: &'a mut Swarm<Tally>,
    publisher: &'a mut [Publisher; 1],
    kind: Kind,
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
        self.swarm.listener().begin(deliveries, seq_first, messages);
        let mut pace = Pace::new(self.epoch.elapsed() + LEAD, rate, seq_first, messages);
        let mut last_sent = self.epoch.elapsed();
        loop {
            let now = self.epoch.elapsed();
            while let Some(mark) = pace.take(now) {
                let (path, body) = self.kind.publish(None, &mark.data(self.bytes));
                self.publisher[0].post(path, &body)?;
                bar.inc(1);
                last_sent = now;
            }
            let wait = match pace.next() {
                Some(mark) => mark.due.saturating_sub(now).min(STEP),
                None if self.swarm.listener().delays_us.len() >= deliveries => return Ok(()),
                None if now > last_sent + TAIL => return Ok(()),
                None => STEP,
            };
            self.swarm.turn(wait, self.publisher)?;
        }
    }
}

fn outcome(sheet: &mut Sheet, tally: &Tally, expected: usize) {
    let delivered = tally.delays_us.len();
    sheet.count("deliveries", delivered);
    sheet.count("lost", expected.saturating_sub(delivered));
    sheet.count("out of order", tally.disordered);
}
