//! `cargo xtask kube`: the chart on a real API server, which it starts. Its programs are too large to bring
//! unasked, so they are looked for where they are.

use crate::{
    chores::{TESTS_LIMIT, clients},
    errand::Errand,
    failure::Failure,
    step::Step,
    toolbox,
    workshop::Workshop,
};

pub(crate) const KUBE: &[Step] = &[Step {
    name: "chart",
    claim: "it is installed, tested, changed, taken back, drained and removed",
    run: chart,
}];

const PROGRAMS: &[(&str, &str)] = &[
    ("HELM", "helm"),
    ("KUBECTL", "kubectl"),
    ("KUBE_APISERVER", "kube-apiserver"),
    ("KUBE_CONTROLLER_MANAGER", "kube-controller-manager"),
    ("KUBE_SCHEDULER", "kube-scheduler"),
    ("ETCD", "etcd"),
    ("KWOK", "kwok"),
];

fn chart(shop: &mut Workshop) -> Result<(), Failure> {
    toolbox::OPENSSL.fetch(shop)?;
    clients::install(shop)?;
    let mut node = Errand::bounded(TESTS_LIMIT, "node")?
        .args(clients::NODE_TEST)
        .args(["kube.slow.mjs"])
        .folder(&Workshop::root().join("crates/carillon/tests/deploy"));
    for (name, program) in PROGRAMS {
        let hint = "put it on the search path or into target/tools/bin; docs/testing.md says which";
        let found = toolbox::found(program)?;
        let missing = || Failure::Missing { program: (*program).into(), hint: hint.into() };
        node = node.env(name, found.ok_or_else(missing)?);
    }
    node.count(shop)
}
