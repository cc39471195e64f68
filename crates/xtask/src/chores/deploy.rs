//! What is shipped for running it: the chart, the image, the compose file, the unit, alerts and dashboards, and the
//! proxies' files with nodes behind them. Brings what is cheap to bring, says what is not here, then lets node drive.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    chores::{TESTS_LIMIT, cargo, clients},
    errand::Errand,
    failure::Failure,
    toolbox,
    workshop::Workshop,
};

pub(super) const FOLDER: &str = "crates/carillon/tests/deploy";

/// Alerts wait, and fall quiet late: the rules' own times, together.
const ALARMS_LIMIT: Duration = Duration::from_hours(1);

/// What pip brings, by the variable that the tests look for.
const BY_PIP: &[(&str, &str)] = &[
    ("CHECK_JSONSCHEMA", "check-jsonschema"),
    ("ENVOY", "envoy"),
    ("HADOLINT", "hadolint"),
    ("KUBERNETES_VALIDATE", "kubernetes-validate"),
    ("SHELLCHECK", "shellcheck"),
];

/// What `cargo xtask kube` builds and is too large to build unasked, or belongs to the system: used where it is.
const WHERE_IT_IS: &[(&str, &str)] = &[
    ("HELM", "helm"),
    ("HELM_3", "helm3"),
    ("KUBE_SCORE", "kube-score"),
    ("SYSTEMD_ANALYZE", "systemd-analyze"),
];

pub(super) fn run(shop: &mut Workshop) -> Result<(), Failure> {
    toolbox::REDIS.fetch(shop)?;
    toolbox::OPENSSL.fetch(shop)?;
    clients::install(shop)?;
    let (haproxy, nginx) = (toolbox::HAPROXY.fetch(shop)?, toolbox::NGINX.fetch(shop)?);
    let promtool = toolbox::PROMTOOL.fetch(shop)?;
    let by_pip = bring_by_pip(shop)?;
    cargo(&["build", "--workspace", "--bin", "carillon"]).run()?;
    let mut node = Errand::bounded(TESTS_LIMIT, "node")?
        .args(clients::NODE_TEST)
        .args(["chart.test.mjs", "dashboards.test.mjs", "edges.test.mjs", "files.test.mjs"])
        .args(["rules.test.mjs", "watched.test.mjs"])
        .folder(&Workshop::root().join(FOLDER))
        .env("CARILLON_BIN", Workshop::target()?.join("debug/carillon"))
        .env("HAPROXY", haproxy)
        .env("NGINX", nginx)
        .env("PROMTOOL", promtool);
    let mut tools: Vec<_> =
        BY_PIP.iter().map(|(name, tool)| (*name, *tool, by_pip.join(tool))).collect();
    for (name, tool) in WHERE_IT_IS {
        tools.push((name, tool, toolbox::found(tool).unwrap_or_default()));
    }
    for (name, tool, program) in tools {
        if program.is_file() {
            node = node.env(name, program);
        } else {
            shop.say(&format!("NOT TESTED, what needs {tool}: it is not here"));
        }
    }
    node.count(shop)
}

/// What rings, and what does not, by the shipped rules at their own pace, as a step of `soak`.
pub(super) fn alarms(shop: &mut Workshop) -> Result<(), Failure> {
    toolbox::REDIS.fetch(shop)?;
    clients::install(shop)?;
    let promtool = toolbox::PROMTOOL.fetch(shop)?;
    cargo(&["build", "--workspace", "--bin", "carillon"]).run()?;
    Errand::bounded(ALARMS_LIMIT, "node")?
        .args(clients::NODE_TEST)
        .args(["alarms.soak.mjs"])
        .folder(&Workshop::root().join(FOLDER))
        .env("CARILLON_BIN", Workshop::target()?.join("debug/carillon"))
        .env("PROMTOOL", promtool)
        .count(shop)
}

/// The folder of programs that pip has installed. That it could not is no failure, and is said.
pub(super) fn bring_by_pip(shop: &mut Workshop) -> Result<PathBuf, Failure> {
    let wanted = Workshop::root().join(FOLDER).join("requirements.txt");
    let place = Workshop::target()?.join("tools/deploy");
    let programs = place.join("bin");
    // A copy of the list, left where the programs are after they were all installed.
    let mark = place.join("installed.txt");
    let read = |path: &Path| fs::read(path).ok();
    if read(&wanted).is_some_and(|wanted| read(&mark) == Some(wanted)) {
        return Ok(programs);
    }
    shop.say("installing the checkers of deploy with pip: charts, images and proxies are tried with them");
    if let Err(failure) = install(&place, &wanted, shop) {
        shop.say(&format!("without them: {failure}"));
        return Ok(programs);
    }
    fs::copy(&wanted, &mark)
        .map_err(|source| Failure::File { path: mark.display().to_string(), source })?;
    Ok(programs)
}

fn install(place: &Path, wanted: &Path, shop: &mut Workshop) -> Result<(), Failure> {
    let python = toolbox::PYTHON.fetch(shop)?;
    Errand::new(python).args(["-m", "venv"]).args([place]).run()?;
    let pip = Errand::new(place.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "-r"]).args([wanted]).run()
}
