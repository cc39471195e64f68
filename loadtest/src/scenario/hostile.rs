//! Clients that stand still beside good ones: how late the good ones' notices come with and without them, what
//! the still ones cost in memory, and when they are gone.

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::Instant;

use crate::{
    failure::Failure,
    mark::Mark,
    pace::Pace,
    publisher::{Publisher, Speech},
    report::Sheet,
    scenario::{
        delays,
        meter::{Meter, Reading},
        phase, placing,
    },
    settings::Hostile,
    stats::{quantile, ratio},
    swarm::Swarm,
    tally::Tally,
    target::{Server, Target, stuffing},
};

/// From one part's beginning to its first notice.
const LEAD: Duration = Duration::from_millis(200);
/// How long after its last notice a part is waited for.
const TAIL: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(50);
/// What the still ones are sent: far more than the system holds for a socket, and less than
/// `limits.queue_bytes`.
const STUFFING_BYTES: usize = 64 * 1024;
const STUFFINGS: u32 = 16;
const STUFFING_EVERY: Duration = Duration::from_millis(100);
/// How long beyond `limits.stall` the still ones may take to be gone.
const GRACE: Duration = Duration::from_secs(10);

/// Plays it to one server.
pub(crate) fn play(
    target: &Target,
    hostile: &Hostile,
    bar: &ProgressBar,
) -> Result<Sheet, Failure> {
    let target = target.set(&[("CARILLON_LIMITS__STALL", format!("{}s", hostile.stall))])?;
    let mut stage = Stage::set(&target, hostile, bar)?;
    let mut sheet = Sheet::default();
    stage.part(hostile.rate, "warming up", false)?;

    let notices = hostile.rate * hostile.seconds;
    stage.part(notices, "alone", false)?;
    let alone = stage.heard(&mut sheet, "alone: delay", notices);
    let before = stage.meter.read()?;
    stage.seat_still()?;
    let seated = stage.meter.read()?;

    let began = Instant::now();
    stage.part(notices, "beside", true)?;
    let beside = stage.heard(&mut sheet, "beside the still: delay", notices);
    sheet.note("p99 beside to alone", "", ratio(beside, alone).unwrap_or_default());
    stage.gone(&mut sheet, began)?;
    memory(&mut sheet, hostile.still, [&before, &seated, &stage.peak, &stage.meter.read()?]);
    sheet.count("good ones departed", stage.swarm.roll().departed);
    let Stage { server, swarm, .. } = stage;
    drop(swarm);
    server.stop()?;
    Ok(sheet)
}

struct Stage<'a> {
    hostile: &'a Hostile,
    server: Server,
    meter: Meter,
    swarm: Swarm<Tally>,
    /// The first hands in for the good ones, the second stuffs the others.
    publishers: [Publisher; 2],
    target: &'a Target,
    epoch: Instant,
    bar: &'a ProgressBar,
    seq_next: u32,
    /// The reading with the most memory since the still ones sat.
    peak: Reading,
}

impl<'a> Stage<'a> {
    /// The good ones are seated.
    fn set(
        target: &'a Target,
        hostile: &'a Hostile,
        bar: &'a ProgressBar,
    ) -> Result<Self, Failure> {
        let server = Server::start(target, None, placing(&hostile.common))?;
        let meter = Meter::on(&server);
        let epoch = Instant::now();
        let mut swarm = Swarm::new(target.entrance(), server.at.public, epoch, Tally::default())?;
        phase(bar, "seating", hostile.good as u64);
        swarm.seat(hostile.good, |seated| bar.set_position(seated as u64))?;
        let connect = || Publisher::connect(Speech::Http, server.at.publish);
        let mut publishers = [connect()?, connect()?];
        swarm.watch(&mut publishers)?;
        let peak = meter.read()?;
        Ok(Self {
            hostile,
            server,
            meter,
            swarm,
            publishers,
            target,
            epoch,
            bar,
            seq_next: 0,
            peak,
        })
    }

    fn seat_still(&mut self) -> Result<(), Failure> {
        let all = self.hostile.good + self.hostile.still;
        phase(self.bar, "still ones", self.hostile.still as u64);
        self.swarm.seat_still(all, |_| {})?;
        self.peak = self.meter.read()?;
        Ok(())
    }

    /// Hands in `notices` for the good ones by turns, each at its time, and stuffs the others meanwhile if there
    /// are any.
    fn part(&mut self, notices: u32, name: &'static str, stuffs: bool) -> Result<(), Failure> {
        phase(self.bar, name, notices.into());
        let first = self.seq_next;
        self.seq_next += notices;
        self.swarm.listener().begin(notices as usize, first, notices);
        let start = self.epoch.elapsed() + LEAD;
        let mut pace = Pace::new(start, self.hostile.rate, first, notices);
        let mut stuffed = 0;
        loop {
            let now = self.epoch.elapsed();
            while let Some(mark) = pace.take(now) {
                self.hand_in(mark, first)?;
            }
            if stuffs && stuffed < STUFFINGS && now >= start + STUFFING_EVERY * stuffed {
                stuffed += 1;
                self.stuff()?;
            }
            let wait = match pace.next() {
                Some(mark) => mark.due.saturating_sub(now).min(STEP),
                None if self.swarm.listener().delays_us.len() >= notices as usize => return Ok(()),
                None if now
                    > start + Duration::from_secs(notices.into()) / self.hostile.rate + TAIL =>
                {
                    return Ok(());
                }
                None => STEP,
            };
            self.swarm.turn(wait, &mut self.publishers)?;
        }
    }

    fn hand_in(&mut self, mark: Mark, first: u32) -> Result<(), Failure> {
        let user = (mark.seq - first) as usize % self.hostile.good;
        let data = mark.data(self.hostile.bytes);
        let (path, body) = self.target.kind.publish(Some(&user.to_string()), &data);
        self.bar.inc(1);
        self.publishers[0].post(path, &body)
    }

    fn stuff(&mut self) -> Result<(), Failure> {
        let data = format!("\"{}\"", "x".repeat(STUFFING_BYTES));
        let (path, body) = stuffing(&data);
        self.publishers[1].post(path, &body)?;
        let reading = self.meter.read()?;
        if reading.total(|memory| memory.rss_kib) > self.peak.total(|memory| memory.rss_kib) {
            self.peak = reading;
        }
        Ok(())
    }

    /// Says what the good ones heard of a part. The answer is its p99, in milliseconds.
    fn heard(&mut self, sheet: &mut Sheet, name: &str, notices: u32) -> f64 {
        let heard = self.swarm.listener();
        delays(sheet, name, &heard.delays_us);
        sheet.count(format!("{name}: lost"), notices as usize - heard.delays_us.len());
        let mut sorted = heard.delays_us.clone();
        sorted.sort_unstable();
        quantile(&sorted, 990).map_or(0.0, |micros| f64::from(micros) / 1e3)
    }

    /// Waits until the still ones are gone, and says when that was.
    fn gone(&mut self, sheet: &mut Sheet, began: Instant) -> Result<(), Failure> {
        phase(self.bar, "leaving", self.hostile.still as u64);
        let limit = Duration::from_secs(self.hostile.stall.into()) + GRACE;
        let mut left = self.left()?;
        while left > 0.0 && began.elapsed() < limit {
            self.swarm.rest(Instant::now() + STEP, || {})?;
            left = self.left()?;
        }
        sheet.note("the still ones gone after", "s", began.elapsed().as_secs_f64());
        sheet.note("still ones left", "", left);
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "sockets are fewer than 2^52")]
    fn left(&self) -> Result<f64, Failure> {
        let seated = self.server.metric("carillon_sockets")?.unwrap_or_default();
        Ok((seated - self.hostile.good as f64).max(0.0))
    }
}

/// Resident memory of the server for each that stands still.
fn memory(sheet: &mut Sheet, still: usize, [before, seated, peak, after]: [&Reading; 4]) {
    sheet.cost("RSS of a still one, seated", "KiB", seated.rss_grown(before, still));
    sheet.cost("RSS of a still one, at most", "KiB", peak.rss_grown(before, still));
    sheet.cost("RSS left of it", "KiB", after.rss_grown(before, still));
}
