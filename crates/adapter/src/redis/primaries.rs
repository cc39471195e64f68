//! Which servers hold the keys: one that stands alone or that sentinels have chosen, or a cluster's
//! primaries, each with its slots.

use std::{collections::HashMap, sync::Arc};

use fred::{
    clients::{Client, WithOptions},
    error::Error,
    interfaces::{ClientLike, ClusterInterface},
    types::{
        ClusterHash, CustomCommand, Value,
        cluster::ClusterRouting,
        config::{Options, Server},
    },
};

/// Who holds which slot, as the client knows it at one moment.
pub(super) struct Owners(Option<ClusterRouting>);

/// One server's process: another one may not have all that this one had.
pub(super) type Run = Arc<str>;

/// The processes behind the primaries.
#[derive(Debug, Default)]
pub(super) struct Runs(HashMap<Option<Server>, Run>);

impl Owners {
    pub(super) fn of(client: &Client) -> Self {
        let routing = || client.cached_cluster_state().unwrap_or_else(ClusterRouting::new);
        Self(client.is_clustered().then(routing))
    }

    /// Every primary. `None` is the only one there is.
    pub(super) fn all(&self) -> Vec<Option<Server>> {
        match &self.0 {
            Some(routing) => routing.unique_primary_nodes().into_iter().map(Some).collect(),
            None => vec![None],
        }
    }

    /// The primary for a key or channel.
    pub(super) fn of_key(&self, key: &str) -> Option<Server> {
        self.0.as_ref()?.get_server(slot(key)).cloned()
    }
}

impl Runs {
    /// Asks every primary.
    pub(super) async fn read(client: &Client) -> Result<Self, Error> {
        let mut runs = HashMap::new();
        for server in Owners::of(client).all() {
            let about = info(&at(client, server.as_ref()), "server").await?;
            runs.insert(server, field(&about, "run_id").into());
        }
        Ok(Self(runs))
    }

    #[cfg(test)]
    pub(super) fn alone(run: &Run) -> Self {
        Self(HashMap::from([(None, Arc::clone(run))]))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, server: Option<&Server>) -> Option<Run> {
        self.0.get(&server.cloned()).cloned()
    }

    pub(super) fn has(&self, run: &Run) -> bool {
        self.0.values().any(|living| living == run)
    }
}

pub(super) fn slot(key: &str) -> u16 {
    ClusterRouting::hash_key(key.as_bytes())
}

/// A client that asks this primary only.
pub(super) fn at(client: &Client, server: Option<&Server>) -> WithOptions<Client> {
    client.with_options(&Options { cluster_node: server.cloned(), ..Options::default() })
}

pub(super) async fn info<C: ClientLike>(
    client: &C,
    section: &'static str,
) -> Result<String, Error> {
    let command = CustomCommand::new_static("INFO", ClusterHash::Random, false);
    client.custom(command, vec![Value::from_static_str(section)]).await
}

/// Whether this leads to what was the primary once: it answers questions still, by what it is told.
pub(super) async fn is_deposed(client: &Client) -> bool {
    let about = info(client, "replication").await;
    about.is_ok_and(|about| field(&about, "role") == "slave")
}

/// One line's value in what [`info`] gives.
pub(super) fn field<'a>(info: &'a str, name: &str) -> &'a str {
    let found = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found.unwrap_or_default().trim()
}
