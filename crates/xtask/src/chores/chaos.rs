//! `cargo xtask chaos`: a cluster with its pages and workers, and everything that can happen to it, by a seed; and the
//! same in the shorter and the longer forms that `test` and `soak` ask for.

use crate::{
    chores::{TESTS_LIMIT, cargo, clients, secrets},
    errand::Errand,
    failure::Failure,
    step::Step,
    toolbox,
    workshop::Workshop,
};

pub(crate) const CHAOS: &[Step] = &[
    Step {
        name: "parts",
        claim: "the schedule repeats, and the model sees what is lost",
        run: parts,
    },
    Step { name: "run", claim: "nothing accepted is lost, whatever happens", run: long },
];

const FOLDER: &str = "crates/carillon/tests/chaos";

/// How many seeds a soak plays.
const SEEDS: u32 = 20;
const LONG: Form = Form { seconds: 60, clients: 600, profile: "release" };
/// Fits in a minute with its start and its end, and takes the binary that the other tests take.
const SHORT: Form = Form { seconds: 30, clients: 150, profile: "debug" };

/// How long things happen, to how many pages, of which build.
struct Form {
    seconds: u32,
    clients: u32,
    profile: &'static str,
}

/// One seed, as a step of `test`: the same for every change.
pub(super) fn short(shop: &mut Workshop) -> Result<(), Failure> {
    parts(shop)?;
    play(&SHORT, Some(1), shop)
}

/// Many seeds, as a step of `soak`.
pub(super) fn soak(shop: &mut Workshop) -> Result<(), Failure> {
    (1..=SEEDS).try_for_each(|seed| play(&LONG, Some(seed), shop))
}

fn parts(shop: &mut Workshop) -> Result<(), Failure> {
    clients::install(shop)?;
    let folder = Workshop::root().join(FOLDER);
    let suite = Workshop::files_ending(&folder, clients::TESTS)?;
    Errand::bounded(TESTS_LIMIT, "node")?.args(clients::NODE_TEST).args(&suite).count(shop)
}

fn long(shop: &mut Workshop) -> Result<(), Failure> {
    let form = Form { seconds: shop.seconds.unwrap_or(LONG.seconds), ..LONG };
    play(&form, shop.seed, shop)
}

/// Plays one seed; without one, one of chance.
fn play(form: &Form, seed: Option<u32>, shop: &mut Workshop) -> Result<(), Failure> {
    toolbox::REDIS.fetch(shop)?;
    let haproxy = toolbox::HAPROXY.fetch(shop)?;
    clients::install(shop)?;
    let build = cargo(&["build", "--workspace", "--bin", "carillon"]);
    if form.profile == "debug" { build } else { build.args(["--release"]) }.run()?;
    let target = Workshop::target()?;
    let mut run = Errand::bounded(TESTS_LIMIT, "node")?
        .args(["run.mjs", "--seconds", &form.seconds.to_string()])
        .args(["--clients", &form.clients.to_string(), "--out"])
        .args([target.join("chaos")]);
    if let Some(seed) = seed {
        run = run.args(["--seed", &seed.to_string()]);
    }
    run.folder(&Workshop::root().join(FOLDER))
        .env("CARILLON_BIN", target.join(form.profile).join("carillon"))
        .env("HAPROXY", haproxy)
        .env_unsaid("TEST_RECORD", secrets::folder()?)
        .run()
}
