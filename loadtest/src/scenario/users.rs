//! A notice of its own for every user, all handed in with one call: what a delivery costs that is shared
//! with nobody, its way through the server included.

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::Instant;

use crate::{
    failure::Failure,
    mark::Mark,
    publisher::{Publisher, Speech},
    report::Sheet,
    scenario::{delays, meter::Meter, phase, placing, seating, tasks},
    settings::Users,
    swarm::Swarm,
    tally::Tally,
    target::{Kind, Server, Target},
};

/// How long after its call a round is waited for. What has not come then is lost.
const TAIL: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(50);

/// Plays it to one server. The first round warms it up, and is not counted.
pub(crate) fn play(target: &Target, users: &Users, bar: &ProgressBar) -> Result<Sheet, Failure> {
    target.is_for_users()?;
    let (sockets, times) = (users.sockets, users.times);
    let server = Server::start(target, None, placing(&users.common))?;
    let meter = Meter::on(&server);
    let epoch = Instant::now();
    let mut swarm = Swarm::new(target.entrance(), server.at.public, epoch, Tally::default())?;

    let before = meter.read()?;
    phase(bar, "seating", sockets as u64);
    swarm.seat(sockets, |seated| bar.set_position(seated as u64))?;
    let seated = meter.read()?;

    let publisher = [Publisher::connect(Speech::Http, server.at.publish)?];
    let mut run = Run { users, kind: target.kind, swarm, publisher, epoch, seq_next: 0 };
    run.swarm.watch(&mut run.publisher)?;
    phase(bar, "telling", times.into());
    run.play(1, bar)?;
    bar.reset();
    let warm = meter.read()?;
    run.play(times, bar)?;
    let spent = meter.read()?.since(&warm);

    let mut sheet = Sheet::default();
    let (notices, tally) = (sockets * times as usize, run.swarm.listener());
    sheet.cost("CPU of a notice", "µs", spent.server_micros(notices));
    delays(&mut sheet, "delay", &tally.delays_us);
    sheet.note("generator's CPU of a notice", "µs", spent.own_micros(notices));
    sheet.count("delivered", tally.delays_us.len());
    sheet.count("lost", notices.saturating_sub(tally.delays_us.len()));
    sheet.count("out of order", tally.disordered);
    seating(&mut sheet, sockets, &seated.since(&before));
    sheet.count("departed", run.swarm.roll().departed);
    // A server without sockets has nothing to drain, and stops at once.
    drop(run);
    server.stop()?;
    Ok(sheet)
}

/// One publisher and the users.
struct Run<'a> {
    users: &'a Users,
    kind: Kind,
    swarm: Swarm<Tally>,
    publisher: [Publisher; 1],
    epoch: Instant,
    seq_next: u32,
}

impl Run<'_> {
    /// So many calls, each when all have what the one before brought, or time is up.
    fn play(&mut self, times: u32, bar: &ProgressBar) -> Result<(), Failure> {
        let users = self.users.sockets;
        let each = u32::try_from(users).expect("the settings bound it");
        self.swarm.listener().begin(users * times as usize, self.seq_next, each * times);
        for time in 1..=times {
            let (path, body) = self.call(each);
            self.publisher[0].post(path, &body)?;
            let until = self.epoch.elapsed() + TAIL;
            while self.heard() < users * time as usize && self.epoch.elapsed() < until {
                self.swarm.turn(STEP, &mut self.publisher)?;
            }
            bar.inc(1);
        }
        Ok(())
    }

    fn heard(&mut self) -> usize {
        self.swarm.listener().delays_us.len()
    }

    /// Path and body of the next one: a notice a user, in the order of the sockets.
    fn call(&mut self, users: u32) -> (&'static str, String) {
        let (due, bytes) = (self.epoch.elapsed(), self.users.bytes);
        let notice = |user: u32| {
            let mark = Mark { seq: self.seq_next + user, due };
            let (user, task) = (user.to_string(), format!("n{}", mark.seq));
            match self.kind {
                Kind::Carillon => tasks::message(&task, &user, tasks::COMPLETE, mark, bytes),
                Kind::Node | Kind::Centrifugo { .. } => {
                    self.kind.publish(Some(&user), &mark.data(bytes)).1
                }
                Kind::Stock | Kind::Floor | Kind::Ws => mark.data(bytes),
            }
        };
        let notices: Vec<String> = (0..users).map(notice).collect();
        self.seq_next += users;
        self.kind.publish_each(&notices)
    }
}
