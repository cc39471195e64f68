//! One message to every socket, at a steady rate or as fast as they are taken: what a delivery costs, and how
//! late it comes.

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::Instant;

use crate::{
    failure::Failure,
    pace::Pace,
    publisher::{Publisher, Speech},
    report::{BUSY, Sheet},
    scenario::{
        delays,
        meter::{Meter, Spent},
        phase, placing, seating,
        volley::{LEAD, volley},
    },
    settings::Fanout,
    swarm::Swarm,
    tally::Tally,
    target::{Kind, Server, Target},
};

/// Most deliveries of one run: their delays are kept, four bytes each.
const DELIVERIES_MAX: usize = 50_000_000;
/// How busy the generator may be while it warms up, in % of its core.
const BUSY_MAX: f64 = 80.0;
/// Messages of a burst are all due at once, nearly.
const BURST_RATE: u32 = 1_000_000;

/// Plays it to one server.
pub(crate) fn play(target: &Target, fanout: &Fanout, bar: &ProgressBar) -> Result<Sheet, Failure> {
    let (sockets, messages) = (fanout.sockets, bounded_messages(fanout)?);
    let target = &if fanout.tls { target.shared().secure()? } else { target.shared() };
    let server = Server::start(target, None, placing(&fanout.common))?;
    let meter = Meter::on(&server);
    let epoch = Instant::now();
    let mut swarm = Swarm::new(target.entrance(), server.at.public, epoch, Tally::default())?;

    let before = meter.read()?;
    phase(bar, "seating", sockets as u64);
    swarm.seat(sockets, |seated| bar.set_position(seated as u64))?;
    let seated = meter.read()?;

    let mut publisher = [Publisher::connect(Speech::Http, server.at.publish)?];
    swarm.watch(&mut publisher)?;
    let (kind, bytes) = (target.kind, fanout.bytes);
    let mut volley = Volley { swarm: &mut swarm, publisher: &mut publisher, kind, epoch, bytes };
    phase(bar, "warming up", fanout.rate.into());
    let calm = meter.read()?;
    volley.play(sockets, fanout.rate, 0, fanout.rate, bar)?;
    let warm = meter.read()?;
    if fanout.burst.is_none() {
        keeps_up(target, &warm.since(&calm))?;
    }
    phase(bar, "publishing", messages.into());
    let rate = if fanout.burst.is_some() { BURST_RATE } else { fanout.rate };
    volley.play(sockets, rate, fanout.rate, messages, bar)?;
    let after = meter.read()?;
    let delivered = swarm.listener().delays_us.len();
    phase(bar, "settling", fanout.settle_seconds);
    let until = Instant::now() + Duration::from_secs(fanout.settle_seconds);
    swarm.rest(until, || {})?;
    let settled = meter.read()?;

    let mut sheet = Sheet::default();
    let spent = after.since(&warm);
    sheet.cost("CPU of a delivery", "µs", spent.server_micros(delivered));
    delays(&mut sheet, "delay", &swarm.listener().delays_us);
    seating(&mut sheet, sockets, &seated.since(&before));
    sheet.cost("RSS, all seated", "KiB/socket", seated.rss_grown(&before, sockets));
    sheet.cost("RSS afterwards", "KiB/socket", after.rss_grown(&before, sockets));
    sheet.cost("RSS, settled", "KiB/socket", settled.rss_grown(&before, sockets));
    sheet.note("generator's CPU of a delivery", "µs", spent.own_micros(delivered));
    sheet.note(BUSY, "%", spent.own_percent());
    outcome(&mut sheet, swarm.listener(), sockets * messages as usize);
    sheet.count("departed", swarm.roll().departed);
    // A server without sockets has nothing to drain, and stops at once.
    drop(swarm);
    server.stop()?;
    Ok(sheet)
}

/// Fails if listening alone took so much of the warm-up that what is measured next would be the generator.
fn keeps_up(target: &Target, warmed: &Spent) -> Result<(), Failure> {
    let (target, percent) = (target.name.clone(), warmed.own_percent());
    if percent > BUSY_MAX { Err(Failure::GeneratorBusy { target, percent }) } else { Ok(()) }
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
        let pace = Pace::new(self.epoch.elapsed() + LEAD, rate, seq_first, messages);
        let (kind, bytes) = (self.kind, self.bytes);
        volley(self.swarm, self.publisher, (self.epoch, pace), deliveries, |publisher, mark| {
            let (path, body) = kind.publish(None, &mark.data(bytes));
            bar.inc(1);
            publisher[0].post(path, &body)
        })
    }
}

fn outcome(sheet: &mut Sheet, tally: &Tally, expected: usize) {
    let delivered = tally.delays_us.len();
    sheet.count("deliveries", delivered);
    sheet.count("lost", expected.saturating_sub(delivered));
    sheet.count("out of order", tally.disordered);
}
