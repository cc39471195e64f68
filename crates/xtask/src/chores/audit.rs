//! `cargo xtask audit`: what is too slow to ask at every change, or needs tools of its own.

use crate::{
    chores::cargo, errand::Errand, failure::Failure, step::Step, toolbox, workshop::Workshop,
};

pub(crate) const AUDIT: &[Step] = &[
    Step { name: "deny", claim: "arrows, licences and sources are as .deny.toml says", run: deny },
    Step { name: "advisories", claim: "no dependency has a known hole", run: advisories },
    Step { name: "unused", claim: "every dependency is used", run: unused },
    Step { name: "alone", claim: "each crate builds without the others' features", run: alone },
];

fn deny(shop: &mut Workshop) -> Result<(), Failure> {
    let program = toolbox::DENY.fetch(shop)?;
    Errand::new(program).args(["check", "bans", "licenses", "sources"]).run()
}

/// The database lies on the network. Without it nothing is known, and that is said.
fn advisories(shop: &mut Workshop) -> Result<(), Failure> {
    let program = toolbox::DENY.fetch(shop)?;
    if let Err(failure) = Errand::new(&program).args(["fetch", "db"]).run() {
        shop.say(&format!("NOT CHECKED, the advisory database is out of reach: {failure}"));
        return Ok(());
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
