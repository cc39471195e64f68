//! Nodes that share the clients, Redis between them: one message to everyone on all of them, and then one to a
//! single user each. Played with one node, two, three and four it shows how cost grows.

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
        meter::{Meter, Reading},
        phase, placing, seating,
        volley::{LEAD, volley},
    },
    settings::Spread,
    stats::share,
    swarm::Swarm,
    tally::Tally,
    target::{Kind, Onlooker, Redis, Server, Target},
};

/// How long all are left in peace before anything is said.
const REST: Duration = Duration::from_secs(5);

/// Plays it to one cluster.
pub(crate) fn play(target: &Target, spread: &Spread, bar: &ProgressBar) -> Result<Sheet, Failure> {
    target.pairs()?;
    if !matches!(target.kind, Kind::Carillon | Kind::Node) {
        return Err(Failure::NoSpread { target: target.name.clone() });
    }
    let placing = placing(&spread.common);
    let redis = Redis::start(placing)?;
    let start = |_| Server::start(target, Some(&redis.url()), placing);
    let nodes = (0..spread.nodes).map(start).collect::<Result<Vec<_>, _>>()?;
    let mut sheet = Sheet::default();
    let mut hall = Hall::open(target, &nodes, &redis, spread)?;
    hall.seat(bar, &mut sheet)?;
    hall.rest(bar)?;
    sheet.note("quiet: Redis commands", "/s/node", share(hall.quiet.commands, spread.nodes as u64));
    for part in [Part::Everyone, Part::Single] {
        hall.play(part, spread.rate_of(part), bar)?;
        let before = hall.look()?;
        let messages = spread.rate_of(part) * spread.seconds;
        hall.play(part, messages, bar)?;
        let after = hall.look()?;
        hall.outcome(&mut sheet, part, messages, [&before, &after]);
    }
    sheet.count("departed", hall.swarm.roll().departed);
    // A server without sockets has nothing to drain, and stops at once.
    drop(hall);
    nodes.into_iter().try_for_each(Server::stop)?;
    redis.stop()?;
    Ok(sheet)
}

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Everyone,
    Single,
}

/// The clients of all nodes, and one publisher at the first.
struct Hall<'a> {
    spread: &'a Spread,
    kind: Kind,
    meter: Meter,
    redis: Onlooker,
    swarm: Swarm<Tally>,
    publisher: [Publisher; 1],
    epoch: Instant,
    /// The number of the next message. No two of a run share one.
    seq_next: u32,
    /// What Redis does while nothing is said.
    quiet: Rates,
}

/// By the second: CPU in seconds, and commands.
#[derive(Debug, Default)]
struct Rates {
    cpu: f64,
    commands: f64,
}

/// What all have spent up to one moment.
struct View {
    at: Instant,
    reading: Reading,
    commands: f64,
}

impl<'a> Hall<'a> {
    fn open(
        target: &Target,
        nodes: &[Server],
        redis: &Redis,
        spread: &'a Spread,
    ) -> Result<Self, Failure> {
        let first = nodes.first().expect("the settings ask for one at least");
        let epoch = Instant::now();
        let (entrance, public) = (target.entrance(), first.at.public);
        let mut swarm = Swarm::new(entrance, public, epoch, Tally::default())?;
        swarm.serve(nodes.iter().map(|node| node.at.public).collect());
        let publisher = [Publisher::connect(Speech::Http, first.at.publish)?];
        let meter = Meter::on_all(&nodes.iter().collect::<Vec<_>>(), Some(redis));
        let (kind, redis) = (target.kind, redis.onlooker()?);
        let (seq_next, quiet) = (0, Rates::default());
        Ok(Self { spread, kind, meter, redis, swarm, publisher, epoch, seq_next, quiet })
    }

    fn seat(&mut self, bar: &ProgressBar, sheet: &mut Sheet) -> Result<(), Failure> {
        let sockets = self.spread.sockets;
        let before = self.meter.read()?;
        phase(bar, "seating", sockets as u64);
        self.swarm.seat(sockets, |seated| bar.set_position(seated as u64))?;
        self.swarm.watch(&mut self.publisher)?;
        let seated = self.meter.read()?;
        seating(sheet, sockets, &seated.since(&before));
        sheet.cost("RSS, all seated", "KiB/socket", seated.rss_grown(&before, sockets));
        Ok(())
    }

    /// Looks at what is spent anyway, so that it is not taken for what messages cost.
    fn rest(&mut self, bar: &ProgressBar) -> Result<(), Failure> {
        phase(bar, "quiet", 0);
        let before = self.look()?;
        self.swarm.rest(Instant::now() + REST, || {})?;
        self.quiet = self.look()?.rates_since(&before);
        Ok(())
    }

    fn look(&mut self) -> Result<View, Failure> {
        Ok(View {
            at: Instant::now(), reading: self.meter.read()?, commands: self.redis.commands()? })
    }

    /// Hands in so many messages, and listens until all have come or time is up.
    fn play(&mut self, part: Part, messages: u32, bar: &ProgressBar) -> Result<(), Failure> {
        phase(bar, part.name(), messages.into());
        let deliveries = self.spread.hearers(part) * messages as usize;
        let seq_first = self.seq_next;
        self.seq_next += messages;
        self.swarm.listener().begin(deliveries, seq_first, messages);
        let rate = self.spread.rate_of(part);
        let pace = Pace::new(self.epoch.elapsed() + LEAD, rate, seq_first, messages);
        let (kind, bytes, sockets) = (self.kind, self.spread.bytes, self.spread.sockets);
        let Self { swarm, publisher, epoch, .. } = self;
        volley(swarm, publisher, (*epoch, pace), deliveries, |publisher, mark| {
            bar.inc(1);
            let user = (mark.seq as usize % sockets).to_string();
            let user = (part == Part::Single).then_some(user.as_str());
            let (path, body) = kind.publish(user, &mark.data(bytes));
            publisher[0].post(path, &body)
        })
    }

    /// Says what each of so many messages cost.
    fn outcome(
        &mut self,
        sheet: &mut Sheet,
        part: Part,
        messages: u32,
        [before, after]: [&View; 2],
    ) {
        let (name, count) = (part.name(), messages as usize);
        let expected = self.spread.hearers(part) * count;
        let spent = after.reading.since(&before.reading);
        let rates = after.rates_since(before);
        let seconds = after.at.saturating_duration_since(before.at).as_secs_f64();
        let beyond = |rate: f64, quiet: f64| share((rate - quiet) * seconds, messages.into());
        let redis = beyond(rates.cpu, self.quiet.cpu) * 1e6;
        let commands = beyond(rates.commands, self.quiet.commands);
        sheet.cost(format!("{name}: CPU of a delivery"), "µs", spent.server_micros(expected));
        sheet.cost(format!("{name}: CPU of Redis"), "µs/message", redis);
        sheet.cost(format!("{name}: Redis commands"), "/message", commands);
        let tally = self.swarm.listener();
        delays(sheet, &format!("{name}: delay"), &tally.delays_us);
        let (delivered, disordered) = (tally.delays_us.len(), tally.disordered);
        sheet.note(format!("{name}: {BUSY}"), "%", spent.own_percent());
        sheet.count(format!("{name}: lost"), expected.saturating_sub(delivered));
        sheet.count(format!("{name}: out of order"), disordered);
    }
}

impl View {
    fn rates_since(&self, earlier: &Self) -> Rates {
        let seconds = self.at.saturating_duration_since(earlier.at).as_secs_f64();
        let redis = self.reading.since(&earlier.reading).redis.as_secs_f64();
        let commands = self.commands - earlier.commands;
        Rates { cpu: redis / seconds, commands: commands / seconds }
    }
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Everyone => "to everyone",
            Self::Single => "to one user",
        }
    }
}

impl Spread {
    fn rate_of(&self, part: Part) -> u32 {
        match part {
            Part::Everyone => self.rate,
            Part::Single => self.single_rate,
        }
    }

    fn hearers(&self, part: Part) -> usize {
        match part {
            Part::Everyone => self.sockets,
            Part::Single => 1,
        }
    }
}
