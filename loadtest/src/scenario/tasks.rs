//! Workers report the progress of their tasks through the Redis stream of a pair, then the end of
//! each; the pages of their users sit at node B.

mod backlog;
mod memory;
mod watch;

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
        meter::{Meter, Spent, micros},
        phase, placing,
        tasks::{backlog::Backlog, memory::Film, watch::Watch},
    },
    settings::Tasks,
    stats::share,
    swarm::Swarm,
    target::{Kind, Pair, Redis, Target},
};

pub(super) const COMPLETE: u32 = 1000;
const PROGRESS: u32 = 100;
const STREAM: &str = "carillon:tasks";
/// From connecting to the first message.
const LEAD: Duration = Duration::from_millis(200);
/// How long after the last message ends and backlog are waited for.
const TAIL: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(50);
/// How often memory and backlog are read: often enough to see a peak, too seldom to cost.
const LOOK: Duration = Duration::from_millis(250);
/// How long a reader of the stream may take to say that it is one.
const GROUP_WAIT: Duration = Duration::from_secs(3);

/// Plays it to one pair.
pub(super) fn play(target: &Target, tasks: &Tasks, bar: &ProgressBar) -> Result<Sheet, Failure> {
    if target.kind != Kind::Carillon {
        return Err(Failure::NoTasks { target: target.name.clone() });
    }
    let pair = Pair::start(target, placing(&tasks.common))?;
    if !is_read(&pair.redis, Instant::now() + GROUP_WAIT)? {
        return Err(Failure::NoGroup { target: target.name.clone(), waited: GROUP_WAIT });
    }
    let (messages, epoch) = (tasks.messages(), Instant::now());
    let watch = Watch::new(tasks.at_once, tasks.rate * tasks.seconds);
    let mut swarm = Swarm::new(target.entrance(), pair.b.at.public, epoch, watch)?;
    phase(bar, "seating", tasks.users as u64);
    swarm.seat(tasks.users, |seated| bar.set_position(seated as u64))?;

    let mut publishers = [Publisher::connect(Speech::Redis, pair.redis.address)?];
    swarm.watch(&mut publishers)?;
    let meter = Meter::on_pair(&pair);
    let backlog = Backlog::of(&pair)?;
    let mut run = Run { tasks, swarm, publishers, meter, backlog, epoch, film: Film::default() };
    phase(bar, "working", messages.into());
    let before = run.meter.read()?;
    let late_us = run.work(bar)?;
    let spent = run.meter.read()?.since(&before);
    phase(bar, "waiting for ends", tasks.at_once.into());
    run.wait(bar)?;
    let sheet = run.sheet(&spent, &late_us)?;
    // A server without sockets has nothing to drain, and stops at once.
    drop(run);
    pair.stop()?;
    Ok(sheet)
}

/// Whether the stream has a reader, or has one before `deadline`.
pub(super) fn is_read(redis: &Redis, deadline: Instant) -> Result<bool, Failure> {
    let mut onlooker = redis.onlooker()?;
    loop {
        // Without a stream this is an error, and no list.
        let groups = onlooker.ask(&["XINFO", "GROUPS", STREAM])?;
        if !groups.list().is_empty() || Instant::now() >= deadline {
            return Ok(!groups.list().is_empty());
        }
        // There is no replica to wait for, so this is a pause of 20 ms.
        onlooker.ask(&["WAIT", "1", "20"])?;
    }
}

/// A worker's message with its mark, of `bytes` bytes.
pub(super) fn message(task: &str, user: &str, status: u32, mark: Mark, bytes: usize) -> String {
    let front = format!(r#"{{"identity":"{task}","userIdentity":"{user}","status":{status},"#);
    let data = mark.data((bytes + 1).saturating_sub(front.len()));
    front + &data[1..]
}

/// The workers and the pages.
struct Run<'a> {
    tasks: &'a Tasks,
    swarm: Swarm<Watch>,
    publishers: [Publisher; 1],
    meter: Meter,
    backlog: Backlog,
    epoch: Instant,
    film: Film,
}

impl Run<'_> {
    /// Hands in all messages at their times. Answers how late each turn's first one was, in
    /// microseconds: the generator's own part in every delay.
    fn work(&mut self, bar: &ProgressBar) -> Result<Vec<u32>, Failure> {
        let (rate, messages) = (self.tasks.at_once * self.tasks.rate, self.tasks.messages());
        let mut pace = Pace::new(self.epoch.elapsed() + LEAD, rate, 0, messages);
        let mut late_us = Vec::new();
        while let Some(first) = pace.next() {
            let now = self.epoch.elapsed();
            if let Some(late) = now.checked_sub(first.due) {
                late_us.push(u32::try_from(late.as_micros()).unwrap_or(u32::MAX));
            }
            while let Some(mark) = pace.take(now) {
                self.hand_in(mark)?;
                bar.inc(1);
            }
            self.publishers[0].flush()?;
            self.look(now, None)?;
            let wait = pace.next().map_or(Duration::ZERO, |it| it.due.saturating_sub(now));
            self.swarm.turn(wait.min(STEP), &mut self.publishers)?;
        }
        Ok(late_us)
    }

    /// Listens until every task has ended and nothing is left to acknowledge, or time is up.
    fn wait(&mut self, bar: &ProgressBar) -> Result<(), Failure> {
        let last = self.epoch.elapsed();
        loop {
            let since_last = self.epoch.elapsed().saturating_sub(last);
            self.look(last + since_last, Some(since_last))?;
            let ended = self.swarm.listener().ended();
            bar.set_position(ended as u64);
            let all_ended = ended == self.tasks.at_once as usize;
            let over = all_ended && self.backlog.acknowledged_after.is_some();
            if over || since_last > TAIL {
                return Ok(());
            }
            self.swarm.turn(STEP, &mut self.publishers)?;
        }
    }

    fn hand_in(&mut self, mark: Mark) -> Result<(), Failure> {
        let (tasks, steps) = (self.tasks.at_once, self.tasks.rate * self.tasks.seconds);
        let task = mark.seq % tasks;
        let user = (task as usize % self.tasks.users).to_string();
        let status = if mark.seq / tasks < steps { PROGRESS } else { COMPLETE };
        let message = message(&format!("t{task}"), &user, status, mark, self.tasks.bytes);
        self.publishers[0].append(STREAM, &message)
    }

    /// Reads memory and backlog, unless that was done just now. After the last message the
    /// backlog is looked at every time.
    fn look(&mut self, now: Duration, since_last: Option<Duration>) -> Result<(), Failure> {
        let due = self.film.last().is_none_or(|last| last + LOOK <= now);
        if due {
            self.film.add(now, &self.meter.read()?);
        }
        if due || since_last.is_some() {
            self.backlog.look(since_last)?;
        }
        Ok(())
    }

    fn sheet(&mut self, spent: &Spent, late_us: &[u32]) -> Result<Sheet, Failure> {
        let (tasks, messages) = (self.tasks.at_once as usize, self.tasks.messages() as usize);
        let mut sheet = Sheet::default();
        let watch = self.swarm.listener();
        progress(&mut sheet, watch);
        sheet.count("ends missing", tasks - watch.ended());
        sheet.count("ends twice", watch.faults.ends_twice);
        sheet.count("ends before they were handed in", watch.faults.ends_early);
        delays(&mut sheet, "end: delay", &watch.end_delays_us);
        delays(&mut sheet, "progress: delay", &watch.progress_delays_us);
        sheet.cost("CPU of both nodes", "µs/message", spent.server_micros(messages));
        sheet.cost("CPU of Redis", "µs/message", micros(spent.redis, messages));
        sheet.note("generator's CPU", "µs/message", spent.own_micros(messages));
        delays(&mut sheet, "generator: late", late_us);
        backlog(&mut sheet, &mut self.backlog)?;
        self.film.show(&mut sheet);
        sheet.count("departed", self.swarm.roll().departed);
        Ok(sheet)
    }
}

fn progress(sheet: &mut Sheet, watch: &Watch) {
    let rates = watch.rates();
    let mean = share(rates.iter().sum(), rates.len() as u64);
    sheet.count("progress heard", watch.progress_delays_us.len());
    sheet.note("progress of a task, mean", "/s", mean);
    sheet.note("progress of a task, highest mean", "/s", rates.last().copied().unwrap_or(0.0));
    sheet.count("progress of a task, most in any second", watch.in_second_max());
    sheet.count("progress of a task, most in any 10 s", watch.in_ten_seconds_max());
    sheet.count("progress beyond 10 in a second", watch.crowded());
    sheet.count("progress after the end", watch.faults.progress_after_end);
    sheet.count("progress behind newer", watch.faults.progress_behind);
}

/// A time that never came is shown as how long was waited for it.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
fn backlog(sheet: &mut Sheet, backlog: &mut Backlog) -> Result<(), Failure> {
    let seconds = |after: Option<Duration>| after.unwrap_or(TAIL).as_secs_f64();
    sheet.note("lag, highest", "messages", backlog.lag_max as f64);
    sheet.cost("lag back to 0 after", "s", seconds(backlog.read_after));
    sheet.cost("all acknowledged after", "s", seconds(backlog.acknowledged_after));
    sheet.note("left in the stream", "messages", backlog.left()? as f64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_json_of_the_size_asked_for_and_carries_its_mark() {
        let mark = Mark { seq: 7, due: Duration::from_secs(3) };
        let message = message("t7", "5", PROGRESS, mark, 256);
        assert_eq!(message.len(), 256);
        let json: serde_json::Value = serde_json::from_str(&message).unwrap();
        assert_eq!((&json["identity"], &json["status"]), (&"t7".into(), &100.into()));
        assert_eq!(Mark::find(message.as_bytes()), Some(mark));
    }
}
