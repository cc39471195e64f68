//! `cargo xtask test`: everything a change must pass, in order of cost.

use crate::{
    chores::{TESTS_LIMIT, cargo, cargo_test, chaos, clients, deploy, secrets, workers},
    errand::Errand,
    failure::Failure,
    step::Step,
    toolbox,
    workshop::Workshop,
};

pub(crate) const TEST: &[Step] = &[
    Step { name: "fmt", claim: "the code is laid out by rustfmt", run: fmt },
    Step { name: "clippy", claim: "no lint has anything to say", run: clippy },
    Step { name: "doc", claim: "the documentation builds without a warning", run: doc },
    Step { name: "rust", claim: "the tests of every crate pass", run: rust },
    Step { name: "clients", claim: "the official clients get what they were promised", run: node },
    Step { name: "page", claim: "the module of the page does what it says", run: page },
    Step {
        name: "workers",
        claim: "the snippets of docs/workers.md do what it says",
        run: workers::run,
    },
    Step { name: "deploy", claim: "what is shipped to run it is right", run: deploy::run },
    Step { name: "chaos", claim: "half a minute of chaos loses nothing", run: chaos::short },
    Step { name: "secrets", claim: "no process has told a secret", run: secrets::run },
];

fn fmt(shop: &mut Workshop) -> Result<(), Failure> {
    toolbox::RUSTFMT.fetch(shop)?;
    cargo(&["fmt", "--all", "--check"]).run()
}

fn clippy(shop: &mut Workshop) -> Result<(), Failure> {
    toolbox::CLIPPY.fetch(shop)?;
    toolbox::MAKE.fetch(shop)?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).run()
}

fn doc(_shop: &mut Workshop) -> Result<(), Failure> {
    cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings").run()
}

fn rust(shop: &mut Workshop) -> Result<(), Failure> {
    secrets::forget()?;
    cargo_test(&[], shop)
}

fn node(shop: &mut Workshop) -> Result<(), Failure> {
    let suite = clients::suite(clients::TESTS)?;
    if suite.is_empty() {
        return Err(Failure::Tree(format!("{} holds no test file", clients::FOLDER)));
    }
    clients::run(&suite, shop)
}

/// The module has no dependency, so neither have its tests: node alone runs them.
fn page(shop: &mut Workshop) -> Result<(), Failure> {
    let folder = Workshop::root().join("crates/gateway/page");
    let suite = Workshop::files_ending(&folder, clients::TESTS)?;
    if suite.is_empty() {
        shop.say("crates/gateway/page holds no test file; the clients drive the page instead");
        return Ok(());
    }
    toolbox::fetch_node(shop)?;
    Errand::bounded(TESTS_LIMIT, "node")?.args(clients::NODE_TEST).args(&suite).count(shop)
}
