//! What is played to every server of the comparison, round after round, one server at a time.

mod fanout;
mod idle;
mod users;

mod cluster;
mod spread;
mod tasks;

mod hostile;
mod storm;

mod cut;
mod restart;
mod returns;

mod meter;
mod volley;

pub(crate) use self::storm::WAVE as STORM_WAVE;

use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};
use rustix::{
    process::{Resource, getrlimit},
    thread::{CpuSet, sched_setaffinity},
};

use crate::{
    failure::Failure,
    report::{Report, Sheet},
    scenario::meter::Spent,
    settings::{Common, Scenario, Settings},
    stats::quantile,
    target::{Placing, Target},
};

const SERVER_CORE: usize = 0;
const GENERATOR_CORE: usize = 1;

/// Files besides the clients': the program's own and the publishers', the server's ends aside.
const FILES_SPARE: u64 = 320;

/// Plays what was asked for and prints the report to `out`.
pub(crate) fn run(settings: &Settings, out: &mut impl Write) -> Result<(), Failure> {
    let scenario = &settings.scenario;
    let common = scenario.common();
    prepare(scenario)?;
    let mut report = Report::new(scenario.name(), scenario.sockets(), common);
    for round in 1..=common.rounds {
        for target in &common.targets {
            let bar = bar(&target.name, round);
            let sheet = match scenario {
                Scenario::Idle(idle) => idle::play(target, idle, &bar),
                Scenario::Fanout(fanout) => fanout::play(target, fanout, &bar),
                Scenario::Users(users) => users::play(target, users, &bar),
                Scenario::Cluster(cluster) => cluster::play(target, cluster, &bar),
                Scenario::Spread(spread) => spread::play(target, spread, &bar),
                Scenario::Tasks(tasks) => tasks::play(target, tasks, &bar),
                Scenario::Hostile(hostile) => hostile::play(target, hostile, &bar),
                Scenario::Storm(storm) => storm::play(target, storm, &bar),
                Scenario::Restart(restart) => restart::play(target, restart, &bar),
                Scenario::Cut(cut) => cut::play(target, cut, &bar),
            };
            bar.finish_and_clear();
            report.add(&target.name, sheet?);
        }
    }
    report.print(out).map_err(Failure::Print)?;
    if let Some(path) = &common.json {
        report.save(path)?;
    }
    if let Some(path) = &common.plot {
        report.draw(path)?;
    }
    Ok(())
}

/// Checks what the run needs of this process and its targets, and takes its core.
fn prepare(scenario: &Scenario) -> Result<(), Failure> {
    let (common, sockets) = (scenario.common(), scenario.sockets());
    common.targets.iter().try_for_each(Target::prepare)?;
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if sockets as u64 + FILES_SPARE > files {
        return Err(Failure::Files { sockets, files });
    }
    if common.no_pin {
        return Ok(());
    }
    let mut cores = CpuSet::new();
    cores.set(GENERATOR_CORE);
    sched_setaffinity(None, &cores)
        .map_err(|error| Failure::Pin { core: GENERATOR_CORE, source: error.into() })
}

fn placing(common: &Common) -> Placing {
    Placing { core: (!common.no_pin).then_some(SERVER_CORE), output: common.server_output }
}

/// A bar on stderr while it works, if that is a terminal.
fn bar(target: &str, round: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:>16} {msg:<14} [{bar:40}] {pos}/{len} {eta}")
        .expect("the template is well formed");
    let prefix = format!("{target} #{round}");
    ProgressBar::new(0).with_style(style.progress_chars("=> ")).with_prefix(prefix)
}

fn phase(bar: &ProgressBar, name: &'static str, len: u64) {
    bar.reset();
    bar.set_length(len);
    bar.set_message(name);
}

/// Says how sockets were seated, alike in all scenarios.
fn seating(sheet: &mut Sheet, sockets: usize, spent: &Spent) {
    sheet.cost("CPU of a handshake", "µs", spent.server_micros(sockets));
    sheet.note("generator's CPU of a handshake", "µs", spent.own_micros(sockets));
}

/// Says how late things came, in three quantiles of `delays_us`.
fn delays(sheet: &mut Sheet, name: &str, delays_us: &[u32]) {
    let mut sorted = delays_us.to_vec();
    sorted.sort_unstable();
    for (which, permille) in [("p50", 500), ("p99", 990), ("max", 1000)] {
        let millis = quantile(&sorted, permille).map_or(0.0, |micros| f64::from(micros) / 1e3);
        sheet.cost(format!("{name} {which}"), "ms", millis);
    }
}
