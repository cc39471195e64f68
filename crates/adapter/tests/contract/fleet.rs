//! Redis servers that stand together: a primary that sentinels watch, or a cluster. Each ends with its test.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::server::{Server, free_port};

/// How long a slot may take to move, while others use it.
const MOVE_WAIT: Duration = Duration::from_secs(20);

/// One primary, its replica, and who watches them.
pub(crate) struct Watched {
    pub(crate) primary: Server,
    pub(crate) replica: Server,
    pub(crate) sentinel: Server,
}

/// Three primaries, each with a third of the slots, and a replica of the first if one is wanted.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

// === impl Watched ===

impl Watched {
    pub(crate) async fn start() -> Self {
        let at_once = ["--repl-diskless-sync-delay", "0"];
        let primary = Server::start(&at_once).await;
        let of = primary.port().to_string();
        let words = [&at_once[..], &["--replicaof", "127.0.0.1", &of]].concat();
        let replica = Server::start(&words).await;
        replica.comes_to_say("INFO replication", "master_link_status:up").await;
        let sentinel = Server::sentinel_of(&primary).await;
        sentinel.comes_to_say("SENTINEL REPLICAS bus", "127.0.0.1").await;
        Self { primary, replica, sentinel }
    }

    pub(crate) fn url(&self, service: &str) -> String {
        let port = self.sentinel.port();
        format!("redis-sentinel://127.0.0.1:{port}?sentinelServiceName={service}")
    }
}

// === impl Cluster ===

impl Cluster {
    pub(crate) async fn start() -> Self {
        let cluster = Self { nodes: vec![node().await, node().await, node().await] };
        let slots = ["0 5460", "5461 10922", "10923 16383"];
        for (n, (server, slots)) in cluster.nodes.iter().zip(slots).enumerate() {
            server.say(&format!("CLUSTER SET-CONFIG-EPOCH {}", n + 1)).await;
            server.say(&format!("CLUSTER ADDSLOTSRANGE {slots}")).await;
        }
        for server in &cluster.nodes[1..] {
            cluster.nodes[0].say(&meet(server)).await;
        }
        cluster.agreed().await;
        cluster
    }

    pub(crate) async fn agreed(&self) {
        let size = format!("cluster_known_nodes:{}", self.nodes.len());
        for server in &self.nodes {
            server.comes_to_say("CLUSTER INFO", "cluster_state:ok").await;
            server.comes_to_say("CLUSTER INFO", &size).await;
            server.comes_to_say("CLUSTER INFO", "cluster_size:3").await;
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis-cluster://127.0.0.1:{}", self.nodes[0].port())
    }

    pub(crate) async fn id(&self, n: usize) -> String {
        let answer = self.nodes[n].say("CLUSTER MYID").await;
        answer.lines().nth(1).expect("it has an id").to_owned()
    }

    /// Which node had this key at the start, and its slot.
    pub(crate) async fn holder(&self, key: &str) -> (usize, u16) {
        let answer = self.nodes[0].say(&format!("CLUSTER KEYSLOT {key}")).await;
        let answer = answer.lines().next().expect("it is a number").trim_start_matches(':');
        let slot: u16 = answer.parse().expect("it is a number");
        (usize::from(slot > 5460) + usize::from(slot > 10922), slot)
    }

    /// From now on the keys that the slot does not have are looked for at its new place. Whose id that is.
    pub(crate) async fn begin_to_move(&self, slot: u16, from: usize, to: usize) -> String {
        let (source_id, target_id) = (self.id(from).await, self.id(to).await);
        let (source, target) = (&self.nodes[from], &self.nodes[to]);
        target.say(&format!("CLUSTER SETSLOT {slot} IMPORTING {source_id}")).await;
        source.say(&format!("CLUSTER SETSLOT {slot} MIGRATING {target_id}")).await;
        target_id
    }

    /// Takes every key of the slot to its new place.
    pub(crate) async fn empty(&self, slot: u16, from: usize, to: usize) {
        let emptying = empty(slot, &self.nodes[from], &self.nodes[to]);
        timeout(MOVE_WAIT, emptying).await.expect("the keys move");
    }

    /// Moves a slot with all that is in it, as `redis-cli --cluster reshard` does.
    pub(crate) async fn move_slot(&self, slot: u16, from: usize, to: usize) {
        let (source, target) = (&self.nodes[from], &self.nodes[to]);
        let target_id = self.begin_to_move(slot, from, to).await;
        self.empty(slot, from, to).await;
        for server in [target, source] {
            let answer = server.say(&format!("CLUSTER SETSLOT {slot} NODE {target_id}")).await;
            assert!(answer.starts_with("+OK"), "{answer}");
        }
    }
}

async fn empty(slot: u16, source: &Server, target: &Server) {
    loop {
        let keys = source.say(&format!("CLUSTER GETKEYSINSLOT {slot} 100")).await;
        let keys: Vec<_> = keys.lines().filter(|line| line.contains(':')).collect();
        if keys.is_empty() {
            return;
        }
        for key in keys {
            source.say(&format!("MIGRATE 127.0.0.1 {} {key} 0 5000", target.port())).await;
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// One that may become a node of a cluster.
pub(crate) async fn node() -> Server {
    let bus_port = free_port().to_string();
    let words = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--cluster-port"];
    Server::start(&[&words[..], &[&bus_port, "--cluster-replica-validity-factor", "0"]].concat())
        .await
}

pub(crate) fn meet(server: &Server) -> String {
    format!("CLUSTER MEET 127.0.0.1 {} {}", server.port(), server.cluster_port())
}
