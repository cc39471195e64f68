//! `cargo xtask kube`: the chart on a real API server, which it starts, and what only the slow programs can say of it.

use crate::{
    chores::{TESTS_LIMIT, cargo, clients, deploy},
    errand::Errand,
    failure::Failure,
    step::Step,
    toolbox::{self, Tool},
    workshop::Workshop,
};

pub(crate) const KUBE: &[Step] = &[
    Step {
        name: "programs",
        claim: "helm, Kubernetes and what plays its nodes are here",
        run: programs,
    },
    Step {
        name: "files",
        claim: "helm 4 and 3, the schemas and kube-score take what the chart makes",
        run: files,
    },
    Step {
        name: "chart",
        claim: "it is installed, tested, changed, taken back, drained and removed",
        run: chart,
    },
];

/// By the variable that the tests look for.
const PROGRAMS: &[(&str, Tool)] = &[
    ("HELM", toolbox::HELM),
    ("HELM_3", toolbox::HELM_3),
    ("KUBE_SCORE", toolbox::KUBE_SCORE),
    ("KUBECTL", toolbox::KUBECTL),
    ("KUBE_APISERVER", toolbox::KUBE_APISERVER),
    ("KUBE_CONTROLLER_MANAGER", toolbox::KUBE_CONTROLLER_MANAGER),
    ("KUBE_SCHEDULER", toolbox::KUBE_SCHEDULER),
    ("ETCD", toolbox::ETCD),
    ("KWOK", toolbox::KWOK),
];

/// Modules that define the kinds which the chart makes and Kubernetes does not know, and where in them.
const KINDS: &[(&str, &[&str])] = &[
    (
        "github.com/envoyproxy/gateway@v1.9.1/charts/gateway-helm/charts/crds/crds/generated",
        &["gateway.envoyproxy.io_backendtrafficpolicies.yaml"],
    ),
    ("github.com/kedacore/keda/v2@v2.21.0/config/crd/bases", &["keda.sh_scaledobjects.yaml"]),
    (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0/example/prometheus-operator-crd",
        &[
            "monitoring.coreos.com_podmonitors.yaml",
            "monitoring.coreos.com_prometheusrules.yaml",
            "monitoring.coreos.com_servicemonitors.yaml",
        ],
    ),
    (
        "sigs.k8s.io/gateway-api@v1.4.1/config/crd/standard",
        &["gateway.networking.k8s.io_httproutes.yaml"],
    ),
];

fn programs(shop: &mut Workshop) -> Result<(), Failure> {
    toolbox::OPENSSL.fetch(shop)?;
    clients::install(shop)?;
    kinds(shop)?;
    PROGRAMS.iter().try_for_each(|(_, tool)| tool.fetch(shop).map(drop))
}

fn files(shop: &mut Workshop) -> Result<(), Failure> {
    let validate = deploy::bring_by_pip(shop)?.join("kubernetes-validate");
    cargo(&["build", "--workspace", "--bin", "carillon"]).run()?;
    node("chart.test.mjs", shop)?
        .env("CARILLON_BIN", Workshop::target()?.join("debug/carillon"))
        .env("KUBERNETES_VALIDATE", validate)
        .count(shop)
}

fn chart(shop: &mut Workshop) -> Result<(), Failure> {
    let kinds = kinds(shop)?;
    node("kube.slow.mjs", shop)?.env_unsaid("KINDS", kinds.join(":")).count(shop)
}

/// The files of definitions, brought if they are not here.
fn kinds(shop: &mut Workshop) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for (place, files) in KINDS {
        let folder = toolbox::bring_folder(place, shop)?;
        found.extend(files.iter().map(|file| format!("{folder}/{file}")));
    }
    Ok(found)
}

fn node(suite: &str, shop: &mut Workshop) -> Result<Errand, Failure> {
    clients::install(shop)?;
    let node = Errand::bounded(TESTS_LIMIT, "node")?.args(clients::NODE_TEST).args([suite]);
    let node = node.folder(&Workshop::root().join(deploy::FOLDER));
    PROGRAMS.iter().try_fold(node, |node, (name, tool)| Ok(node.env(name, tool.fetch(shop)?)))
}
