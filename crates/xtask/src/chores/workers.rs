//! The snippets of docs/workers.md and docs/uplink.md, each in its language: brings what is cheap to bring, says what is
//! not here, then lets node drive.

use crate::{
    chores::{TESTS_LIMIT, cargo, clients, secrets},
    errand::Errand,
    failure::Failure,
    toolbox::{self, Tool},
    workshop::Workshop,
};

const FOLDER: &str = "crates/carillon/tests/workers";

/// A language that a machine may lack. Node, Rust and redis-cli are needed by other steps as well.
struct Language {
    /// As the tests know it.
    name: &'static str,
    /// A command that ends well where the snippet can run.
    proof: &'static [&'static str],
    /// What brings it; none for what is too large to install unasked.
    tool: Option<Tool>,
}

const LANGUAGES: &[Language] = &[
    Language {
        name: "python",
        proof: &["python3", "-c", "import ensurepip, venv"],
        tool: Some(toolbox::PYTHON),
    },
    Language {
        name: "php",
        proof: &["php", "-r", "exit(extension_loaded('redis') ? 0 : 1);"],
        tool: Some(toolbox::PHP),
    },
    Language { name: "go", proof: &["go", "version"], tool: None },
    Language { name: "java", proof: &["mvn", "--version"], tool: None },
];

/// Runs the snippets that can run here; the tests install their libraries under the target folder.
pub(super) fn run(shop: &mut Workshop) -> Result<(), Failure> {
    toolbox::REDIS.fetch(shop)?;
    toolbox::NPM.fetch(shop)?;
    clients::install(shop)?;
    let missing: Vec<_> = LANGUAGES.iter().filter(|it| !it.fetch(shop)).map(|it| it.name).collect();
    cargo(&["build", "--workspace", "--bin", "carillon"]).run()?;
    Errand::bounded(TESTS_LIMIT, "node")?
        .args(clients::NODE_TEST)
        .args(["workers.test.mjs", "readers.test.mjs"])
        .folder(&Workshop::root().join(FOLDER))
        .env("CARILLON_BIN", Workshop::target()?.join("debug/carillon"))
        .env("WORKERS_MISSING", missing.join(" "))
        .env_unsaid("TEST_RECORD", secrets::folder()?)
        .count(shop)
}

impl Language {
    /// Whether it is here, at the latest now. One that is not is no failure, and is said.
    fn fetch(&self, shop: &mut Workshop) -> bool {
        if self.is_here() {
            return true;
        }
        let brought = self.tool.as_ref().map(|tool| tool.bring(shop));
        if self.is_here() {
            return true;
        }
        let reason = match brought {
            None => "it is not here, and too large to install unasked".into(),
            Some(Ok(())) => "it was installed, and still does not run".into(),
            Some(Err(failure)) => failure.to_string(),
        };
        shop.say(&format!("NOT TESTED, the snippet in {}: {reason}", self.name));
        false
    }

    fn is_here(&self) -> bool {
        Errand::new(self.proof[0]).args(&self.proof[1..]).answer().is_some()
    }
}
