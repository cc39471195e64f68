//! A rolling restart of three nodes under load: what clients lose by it, how evenly they come back, and how soon.

mod balancer;
mod bunch;

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::Instant;

use crate::{
    failure::Failure,
    publisher::{Publisher, Speech},
    report::Sheet,
    scenario::{
        cluster::Road,
        delays, phase, placing,
        restart::{balancer::Balancer, bunch::Bunch},
        returns::{Ledger, Scene, Worker},
    },
    settings::Restart,
    swarm::Swarm,
    target::{Placing, Redis, Server, Target},
};

const NODES: usize = 3;
/// Before the first node goes, and after the last one's clients are back.
const REST: Duration = Duration::from_secs(2);
/// How long a fresh node may take to be ready.
const READY_WAIT: Duration = Duration::from_secs(20);
/// How much longer than its grace a node may take to leave.
const LEAVE_SPARE: Duration = Duration::from_secs(15);
/// How long after the last node has left clients and ends are waited for.
const TAIL: Duration = Duration::from_secs(30);

/// Plays it to one cluster.
pub(crate) fn play(
    target: &Target,
    restart: &Restart,
    bar: &ProgressBar,
) -> Result<Sheet, Failure> {
    let mut run = Run::set(target, restart, bar)?;
    run.go_on(REST)?;
    phase(bar, "restarting", NODES as u64);
    let mut leavings = Vec::new();
    for number in 1..=NODES {
        leavings.push(run.replace_oldest()?);
        bar.set_position(number as u64);
    }
    phase(bar, "coming back", 0);
    run.scene.until(TAIL, |scene| Ok(scene.are_all_back()))?;
    run.go_on(REST)?;
    run.scene.finish(TAIL)?;
    let sheet = run.sheet(&leavings);
    run.stop()?;
    Ok(sheet)
}

/// How a node left.
#[derive(Debug)]
struct Leaving {
    /// From when it was told to.
    told: Duration,
    left: Duration,
    /// None: by a signal.
    code: Option<i32>,
    /// Clients that had no place when it had left.
    away: usize,
}

/// The cluster, its clients and its worker.
struct Run<'a> {
    restart: &'a Restart,
    target: Target,
    placing: Placing,
    redis: Redis,
    balancer: Balancer,
    scene: Scene,
}

impl<'a> Run<'a> {
    /// Three nodes, and all clients spread over them.
    fn set(target: &Target, restart: &'a Restart, bar: &ProgressBar) -> Result<Self, Failure> {
        let target = target.set(&[
            ("CARILLON_DRAIN__GRACE", format!("{}s", restart.grace)),
            ("CARILLON_LIMITS__ACCEPTS_PER_SECOND", restart.accepts.to_string()),
        ])?;
        let placing = placing(&restart.common);
        let redis = Redis::start(placing)?;
        let start = || Server::start(&target, Some(&redis.url()), placing);
        let nodes = (0..NODES).map(|_| start()).collect::<Result<Vec<_>, _>>()?;
        let (epoch, sockets) = (Instant::now(), restart.sockets);
        let ledger = Ledger::of(sockets);
        let mut swarm = Swarm::new(target.entrance(), nodes[0].at.public, epoch, ledger)?;
        swarm.serve(nodes.iter().map(|node| node.at.public).collect());
        phase(bar, "seating", sockets as u64);
        swarm.seat(sockets, |seated| bar.set_position(seated as u64))?;

        let publishers = vec![Publisher::connect(Speech::Redis, redis.address)?];
        let (road, pace) = ((Road::Stream, target.kind), (epoch.elapsed(), restart.rate));
        let worker =
            Worker::new(publishers, road, restart.bytes, pace, move |seq| seq as usize % sockets);
        let scene = Scene::open(swarm, worker, epoch)?;
        Ok(Self { restart, target, placing, redis, balancer: Balancer::of(nodes), scene })
    }

    fn go_on(&mut self, length: Duration) -> Result<(), Failure> {
        let balancer = &mut self.balancer;
        let nothing_ends_it = |scene: &mut Scene| {
            balancer.look(scene);
            Ok(false)
        };
        self.scene.until(length, nothing_ends_it).map(drop)
    }

    /// Starts a fresh node, tells the oldest to go once the fresh one is ready, and waits until it has.
    fn replace_oldest(&mut self) -> Result<Leaving, Failure> {
        let Self { target, balancer, scene, .. } = self;
        let fresh = Server::launch(target, Some(&self.redis.url()), self.placing)?;
        let address = fresh.at.publish;
        balancer.nodes.push(fresh);
        let is_ready = scene.until(READY_WAIT, |scene| {
            balancer.look(scene);
            Ok(balancer.ready == balancer.nodes.len())
        })?;
        if !is_ready {
            let (target, waited) = (target.name.clone(), READY_WAIT);
            return Err(Failure::NotListening { target, address, waited });
        }
        let mut going = balancer.nodes.remove(0);
        going.tell_to_stop()?;
        let (told, mut exit) = (scene.now(), None);
        let limit = Duration::from_secs(self.restart.grace.into()) + LEAVE_SPARE;
        scene.until(limit, |scene| {
            balancer.look(scene);
            exit = going.exit()?;
            Ok(exit.is_some())
        })?;
        let not_stopping = || Failure::NotStopping { target: target.name.clone(), waited: limit };
        let code = exit.ok_or_else(not_stopping)?.code();
        let away = self.restart.sockets - scene.swarm.roll().seated;
        Ok(Leaving { told, left: scene.now(), code, away })
    }

    fn sheet(&mut self, leavings: &[Leaving]) -> Sheet {
        let mut sheet = Sheet::default();
        self.scene.ends(&mut sheet);
        let late = self.scene.ledger().delays_us(|_, _| true);
        delays(&mut sheet, "end: delay", &late);
        self.scene.absences(&mut sheet);
        for (number, leaving) in (1..).zip(leavings) {
            leaving.show(&mut sheet, number, self.scene.ledger());
        }
        let back = self.scene.ledger().last_back;
        if let [first, .., last] = leavings {
            let seconds = back.saturating_sub(first.told).as_secs_f64();
            sheet.note("last back, after the first was told", "s", seconds);
            let after = back.as_secs_f64() - last.left.as_secs_f64();
            sheet.note("last back, after the last node left", "s", after);
        }
        sheet.count(
            "nodes that left with 0",
            leavings.iter().filter(|it| it.code == Some(0)).count(),
        );
        sheet
    }

    fn stop(self) -> Result<(), Failure> {
        // Servers without sockets have nothing to drain, and stop sooner.
        drop(self.scene);
        self.balancer.nodes.into_iter().try_for_each(Server::stop)?;
        self.redis.stop()
    }
}

impl Leaving {
    fn show(&self, sheet: &mut Sheet, number: usize, ledger: &Ledger) {
        let name = |what: &str| format!("node {number}: {what}");
        sheet.note(name("left after"), "s", self.left.saturating_sub(self.told).as_secs_f64());
        sheet.count(name("not back when it had left"), self.away);
        let due_to_it = ledger.asked.iter().filter(|it| (self.told..self.left).contains(&it.cut));
        let Some(bunch) = Bunch::largest(due_to_it) else { return };
        sheet.count(name("handshakes on one other, most in any second"), bunch.most);
        sheet.note(name("on that one, mean"), "/s", bunch.mean);
        sheet.note(name("most to mean"), "", bunch.ratio());
    }
}
