//! One node of two is killed with all its clients: how soon they are back at the other one and have what they
//! missed, and what that one and its own clients have to bear meanwhile.

mod view;

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::Instant;

use crate::{
    failure::Failure,
    publisher::{Publisher, Speech},
    report::Sheet,
    scenario::{
        cluster::Road,
        cut::view::{Onlookers, View},
        delays, phase, placing,
        returns::{Ledger, Scene, Worker},
    },
    settings::Cut,
    swarm::Swarm,
    target::{Kind, Redis, Server, Target},
};

/// Connections of the worker.
const CONNECTIONS: usize = 16;
/// How long may pass until every client has heard that its node is gone.
const FALL_WAIT: Duration = Duration::from_secs(5);
/// How long all may take to be back, and to have what they missed.
const BACK_WAIT: Duration = Duration::from_mins(1);
const CAUGHT_UP_WAIT: Duration = Duration::from_secs(10);
/// How often memory is read meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What is handed in for who is back goes on for so long.
const REST: Duration = Duration::from_secs(2);

/// Plays it to one pair.
pub(crate) fn play(target: &Target, cut: &Cut, bar: &ProgressBar) -> Result<Sheet, Failure> {
    let mut run = Run::set(target, cut, bar)?;
    phase(bar, "all well", 0);
    let began = run.look()?;
    run.scene.until(Duration::from_secs(cut.seconds.into()), |_| Ok(false))?;

    phase(bar, "coming back", cut.sockets as u64);
    let fell = run.look()?;
    run.kill()?;
    run.come_back(bar)?;
    let back = run.look()?;
    run.scene.until(REST, |_| Ok(false))?;
    run.scene.finish(CAUGHT_UP_WAIT)?;
    phase(bar, "settling", 0);
    run.scene.until(Duration::from_secs(cut.settle_seconds.into()), |_| Ok(false))?;
    let settled = run.look()?;
    let sheet = run.sheet([&began, &fell, &back, &settled]);
    run.stop()?;
    Ok(sheet)
}

/// Two nodes and Redis, the clients of both, and their worker.
struct Run<'a> {
    cut: &'a Cut,
    redis: Redis,
    staying: Server,
    /// Killed in the midst.
    falling: Server,
    onlookers: Onlookers,
    /// Of the node that stays, in KiB.
    rss_peak: f64,
    scene: Scene,
}

impl<'a> Run<'a> {
    /// Seats the others at the node that stays, and then the many at the one that will fall.
    fn set(target: &Target, cut: &'a Cut, bar: &ProgressBar) -> Result<Self, Failure> {
        target.pairs()?;
        let placing = placing(&cut.common);
        let redis = Redis::start(placing)?;
        let staying = Server::start(&bearing(target, cut)?, Some(&redis.url()), placing)?;
        let falling = Server::start(target, Some(&redis.url()), placing)?;
        let (epoch, all) = (Instant::now(), cut.others + cut.sockets);
        let mut swarm = Swarm::new(target.entrance(), staying.at.public, epoch, Ledger::of(all))?;
        phase(bar, "seating", all as u64);
        swarm.seat(cut.others, |seated| bar.set_position(seated as u64))?;
        swarm.serve(vec![falling.at.public]);
        swarm.seat(all, |seated| bar.set_position(seated as u64))?;
        swarm.serve(vec![staying.at.public]);

        let connect = |_| Publisher::connect(Speech::Http, staying.at.publish);
        let publishers = (0..CONNECTIONS).map(connect).collect::<Result<Vec<_>, _>>()?;
        let (road, pace) = ((Road::Task, target.kind), (epoch.elapsed(), cut.rate * 2));
        let (others, many) = (cut.others, cut.sockets);
        // One for the others, one for the many, each of them by turns.
        let user = move |seq| match (seq % 2, seq as usize / 2) {
            (0, turn) => turn % others,
            (_, turn) => others + turn % many,
        };
        let worker = Worker::new(publishers, road, cut.bytes, pace, user);
        let onlookers = Onlookers::of(&staying, &redis)?;
        let scene = Scene::open(swarm, worker, epoch)?;
        Ok(Self { cut, redis, staying, falling, onlookers, rss_peak: 0.0, scene })
    }

    fn look(&mut self) -> Result<View, Failure> {
        self.onlookers.look(self.scene.now())
    }

    /// Returns when every client of the node has heard that it is gone.
    fn kill(&mut self) -> Result<(), Failure> {
        self.falling.kill()?;
        let (many, mut away) = (self.cut.sockets, 0);
        self.scene.until(FALL_WAIT, |scene| {
            away = away.max(scene.ledger().cuts());
            Ok(away == many)
        })?;
        if away == many { Ok(()) } else { Err(Failure::NotCut { sockets: many, away }) }
    }

    fn come_back(&mut self, bar: &ProgressBar) -> Result<(), Failure> {
        let Self { onlookers, rss_peak, scene, .. } = self;
        let mut looked = Duration::ZERO;
        scene.until(BACK_WAIT, |scene| {
            if scene.now() >= looked + LOOK_EVERY {
                looked = scene.now();
                *rss_peak = rss_peak.max(onlookers.rss_kib()?);
            }
            bar.set_position(scene.ledger().absences_us.len() as u64);
            Ok(scene.are_all_back())
        })?;
        Ok(())
    }

    fn sheet(&mut self, [began, fell, back, settled]: [&View; 4]) -> Sheet {
        let mut sheet = Sheet::default();
        let (many, others) = (self.cut.sockets, self.cut.others);
        let ledger = self.scene.ledger();
        let all_back = ledger.last_back;
        let since_fall = |at: Duration| at.saturating_sub(fell.at).as_secs_f64();
        sheet.cost("all back after", "s", since_fall(all_back));
        if let Some(caught_up) = ledger.all_heard(all_back) {
            sheet.cost("all caught up after", "s", since_fall(caught_up.max(all_back)));
        }
        let of_others =
            |from, until| move |user, due| user < others && (from..until).contains(&due);
        let alone = ledger.delays_us(of_others(began.at, fell.at));
        delays(&mut sheet, "the others' delay, all well", &alone);
        let meanwhile = ledger.delays_us(of_others(fell.at, all_back));
        delays(&mut sheet, "the others' delay, meanwhile", &meanwhile);
        self.scene.ends(&mut sheet);
        self.scene.absences(&mut sheet);
        for (name, kib) in [
            ("before", fell.rss_kib()),
            ("peak", self.rss_peak.max(back.rss_kib())),
            ("after", settled.rss_kib()),
        ] {
            sheet.cost(format!("RSS of the node that stays, {name}"), "MiB", kib / 1024.0);
        }
        back.show(&mut sheet, began, fell, many);
        sheet
    }

    fn stop(self) -> Result<(), Failure> {
        drop(self.falling);
        // A server without sockets has nothing to drain, and stops sooner.
        drop(self.scene);
        self.staying.stop()?;
        self.redis.stop()
    }
}

/// The target with the limit that newcomers meet at the node that stays, where it has limits.
fn bearing(target: &Target, cut: &Cut) -> Result<Target, Failure> {
    match target.kind {
        Kind::Carillon => {
            target.set(&[("CARILLON_LIMITS__ACCEPTS_PER_SECOND", cut.accepts.to_string())])
        }
        _ => Ok(target.clone()),
    }
}
