//! The chores, each a list of steps, and the few commands that more than one of them runs.

mod audit;
mod chaos;
mod clients;
mod deploy;
mod fuzz;
mod image;
mod kube;
mod secrets;
mod soak;
mod test;
mod workers;

pub(crate) use self::{
    audit::AUDIT, chaos::CHAOS, fuzz::FUZZ, image::IMAGE, kube::KUBE, soak::SOAK, test::TEST,
};

use std::time::Duration;

use crate::{
    errand::{self, Errand},
    failure::Failure,
    toolbox,
    workshop::Workshop,
};

/// What a test binary, or one suite of node, may take before it counts as hung.
const TESTS_LIMIT: Duration = Duration::from_mins(10);

/// So many tests of a binary run beside each other, whatever the cores: they wait more than they work.
const TESTS_AT_ONCE: &str = "5";

fn cargo(args: &[&str]) -> Errand {
    Errand::new("cargo").args(args)
}

/// `cargo test --workspace` with `more`: all of it, whatever fails, each binary under its limit.
fn cargo_test(more: &[&str], shop: &mut Workshop) -> Result<(), Failure> {
    toolbox::REDIS.fetch(shop)?;
    toolbox::OPENSSL.fetch(shop)?;
    toolbox::HAPROXY.fetch(shop)?;
    toolbox::NGINX.fetch(shop)?;
    // loadtest measures a peer that runs in node.
    toolbox::fetch_node(shop)?;
    toolbox::NPM.fetch(shop)?;
    toolbox::SS.fetch(shop)?;
    toolbox::GIT.fetch(shop)?;
    toolbox::KILL.fetch(shop)?;
    let setting = errand::bounding_setting(TESTS_LIMIT)?;
    let tests = Errand::new("cargo").unsaid("--config").unsaid(setting);
    let tests = tests.args(["test", "--workspace", "--no-fail-fast"]).args(more);
    tests
        .env("RUST_TEST_THREADS", TESTS_AT_ONCE)
        .env_unsaid("TEST_RECORD", secrets::folder()?)
        .count(shop)
}
