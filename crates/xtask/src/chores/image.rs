//! `cargo xtask image`: deploy/Dockerfile and docker-compose.yml as they stand, by podman, on base images made here.

use std::time::Duration;

use crate::{
    chores::{clients, deploy},
    errand::Errand,
    failure::Failure,
    step::Step,
    toolbox::{self, Tool},
    workshop::Workshop,
};

pub(crate) const IMAGE: &[Step] = &[
    Step {
        name: "image",
        claim: "deploy/Dockerfile builds, says what is in it, and runs and drains as the chart's pod",
        run: image,
    },
    Step {
        name: "compose",
        claim: "docker-compose.yml is a cluster: a worker's task comes to clients, and Prometheus sees it",
        run: compose,
    },
];

const TOOLS: &[Tool] = &[
    toolbox::PODMAN,
    toolbox::RUNC,
    toolbox::NETAVARK,
    toolbox::IP,
    toolbox::BUILDAH,
    toolbox::MMDEBSTRAP,
    toolbox::OBJCOPY,
    toolbox::OPENSSL,
];

/// A release build on busy cores, and the base images before it.
const LIMIT: Duration = Duration::from_hours(1);

fn image(shop: &mut Workshop) -> Result<(), Failure> {
    let helm = toolbox::HELM.fetch(shop)?;
    node("image.slow.mjs", shop)?.env("HELM", helm).count(shop)
}

fn compose(shop: &mut Workshop) -> Result<(), Failure> {
    let compose = deploy::bring_by_pip(shop)?.join("podman-compose");
    node("compose.slow.mjs", shop)?.env("PODMAN_COMPOSE", compose).count(shop)
}

fn node(suite: &str, shop: &mut Workshop) -> Result<Errand, Failure> {
    TOOLS.iter().try_for_each(|tool| tool.fetch(shop).map(drop))?;
    clients::install(shop)?;
    let node = Errand::bounded(LIMIT, "node")?.args(clients::NODE_TEST).args([suite]);
    let node = node.folder(&Workshop::root().join(deploy::FOLDER));
    Ok(node.env("CONTAINERS", Workshop::target()?.join("containers")))
}
