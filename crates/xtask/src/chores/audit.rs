//! `cargo xtask audit`: what is too slow to ask at every change, or needs tools of its own.

use crate::{
    chores::cargo, errand::Errand, failure::Failure, step::Step, toolbox, workshop::Workshop,
};

pub(crate) const AUDIT: &[Step] = &[
    Step { name: "deny", claim: "arrows, licences and sources are as .deny.toml says", run: deny },
    Step { name: "unused", claim: "every dependency is used", run: unused },
    Step { name: "alone", claim: "each crate builds without the others' features", run: alone },
    // Last, for it is the one that a machine without the network cannot take.
    Step { name: "advisories", claim: "no dependency has a known hole", run: advisories },
];

const OUT_OF_REACH: &str = "a dependency has a known hole, as shown above, or NOT CHECKED: there is no advisory \
    database. It is github.com/rustsec/advisory-db; run this step where git reaches that, or run `cargo deny fetch db` \
    there and bring the folder advisory-dbs of its cargo home into the one here";

fn deny(shop: &mut Workshop) -> Result<(), Failure> {
    let program = toolbox::DENY.fetch(shop)?;
    Errand::new(program).args(["check", "bans", "licenses", "sources"]).run()
}

/// The database lies on the network. One that was brought here before will do; without any nothing is known, and
/// that is a failure, for nobody should take it for a pass.
fn advisories(shop: &mut Workshop) -> Result<(), Failure> {
    let program = toolbox::DENY.fetch(shop)?;
    if let Err(failure) = Errand::new(&program).args(["fetch", "db"]).run() {
        shop.say(&format!("the advisory database cannot be fetched: {failure}"));
        let kept = Errand::new(&program).args(["check", "--disable-fetch", "advisories"]);
        shop.say("checking against the one that is here, if there is one");
        return kept.run().map_err(|_| Failure::Tree(OUT_OF_REACH.into()));
    }
    Errand::new(program).args(["check", "advisories"]).run()
}

fn unused(shop: &mut Workshop) -> Result<(), Failure> {
    let program = toolbox::MACHETE.fetch(shop)?;
    Errand::new(program).args(["crates", "loadtest"]).run()
}

fn alone(shop: &mut Workshop) -> Result<(), Failure> {
    for manifest in manifests()? {
        let check = cargo(&["check", "--all-targets", "--manifest-path", &manifest]);
        shop.say(check.words());
        check.run()?;
    }
    Ok(())
}

fn manifests() -> Result<Vec<String>, Failure> {
    let found = Workshop::files_ending(&Workshop::root().join("crates"), &["/Cargo.toml"])?;
    let mut manifests: Vec<_> = found.iter().map(|path| path.display().to_string()).collect();
    manifests.push("loadtest/Cargo.toml".into());
    Ok(manifests)
}
