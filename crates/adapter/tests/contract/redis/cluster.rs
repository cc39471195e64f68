//! The bus over a cluster of three primaries, held to the contract, and what only a cluster can do to it.

mod still;

use std::{
    sync::{
        Arc, LazyLock, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use adapter::{Arrival, Config, LoginMode, PublishError, RedisConfig};
use futures_util::future::join_all;
use notice::Audience;
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use super::{DEADLINE, OverRedis, Running, upward};
use crate::{
    contract,
    drafts::{audience, end, now, plain, room, text_of},
    fleet::{Cluster, meet, node},
    logins::login,
    subject::{Node, Subject},
    uplink::Fields,
};

contract! { brief tokio::test(flavor = "multi_thread", worker_threads = 2), super::OverCluster }

/// A bus over a cluster that tests share, each under a prefix of its own.
struct OverCluster {
    running: Running,
    config: RedisConfig,
    cluster: Arc<Cluster>,
}

/// The one that is shared ends with the last test that holds it.
static SHARED: LazyLock<Mutex<Weak<Cluster>>> = LazyLock::new(Mutex::default);
static PREFIXES: AtomicU32 = AtomicU32::new(0);

async fn shared() -> Arc<Cluster> {
    let mut shared = SHARED.lock().await;
    if let Some(cluster) = shared.upgrade() {
        return cluster;
    }
    let cluster = Arc::new(Cluster::start().await);
    *shared = Arc::downgrade(&cluster);
    cluster
}

/// Makes the bus behind this prefix know all processes since long ago.
async fn settle(cluster: &Cluster, prefix: &str) {
    for known in &cluster.nodes {
        let run = known.run().await;
        for server in &cluster.nodes {
            // All but one say that the key is another's.
            server.say(&format!("HSET {prefix}:{{logins}}:eras {run} 0")).await;
        }
    }
}

fn config(cluster: &Cluster, bus: Config) -> RedisConfig {
    let prefix = format!("c{}", PREFIXES.fetch_add(1, Ordering::Relaxed));
    let canary_every = Duration::from_millis(500);
    RedisConfig { canary_every, ..RedisConfig::new(cluster.url(), prefix, bus) }
}

impl Subject for OverCluster {
    fn config() -> Config {
        OverRedis::config()
    }

    async fn start(bus: Config) -> Self {
        let cluster = shared().await;
        let config = config(&cluster, bus);
        settle(&cluster, &config.prefix).await;
        Self { running: Running::start(config.clone()).await, config, cluster }
    }

    async fn link_as(&self, name: &str) -> Node {
        self.running.link_as(name).await
    }

    async fn uplinked(&self) -> Vec<Fields> {
        upward::uplinked(self.config.clone()).await
    }

    async fn pass(&self, time: Duration) {
        sleep(time).await;
    }
}

/// What stands in front of all keys of user 5.
fn tag(prefix: &str) -> String {
    tag_of(prefix, &audience())
}

fn tag_of(prefix: &str, audience: &Audience) -> String {
    format!("{prefix}:{{{audience}}}")
}

/// Ages that no test here reaches.
fn lasting() -> Config {
    let day = Duration::from_hours(24);
    Config { finals_age: day, live_age: day, ended_age: day, ..OverRedis::config() }
}

#[tokio::test]
async fn a_turn_over_all_primaries_is_taken_even_when_they_have_forgotten_the_scripts() {
    let (bus, mut node) = OverCluster::one().await;
    for server in &bus.cluster.nodes {
        server.say("SCRIPT FLUSH").await;
    }
    let rooms: Vec<_> = (0..60).map(|n| room(&n.to_string())).collect();
    for room in &rooms {
        node.enter(room).await;
    }
    for server in &bus.cluster.nodes {
        server.say("SCRIPT FLUSH").await;
    }
    let drafts = (0..600).map(|n| plain(rooms[n % rooms.len()].clone(), &n.to_string()));
    let results = node.link.publisher.publish_all(drafts.collect()).await;
    let refused = results.iter().find(|result| result.is_err());
    assert!(refused.is_none(), "{refused:?}");
    let mut last = vec![None; rooms.len()];
    for _ in 0..600 {
        let notice = node.hear().await;
        let n: usize = text_of(&notice).parse().expect("it is a number");
        let before = last[n % rooms.len()].replace(n);
        assert!(before.is_none_or(|before| before < n), "{before:?} came before {n}");
    }
}

/// Until somebody listens.
async fn heard(node: &Node, audience: &Audience) {
    while node.accepted_by(plain(audience.clone(), "are you there")).await.1 == 0 {
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_slot_that_moves_is_heard_at_its_new_place_and_nothing_is_lost() {
    let cluster = Cluster::start().await;
    let hearing = config(&cluster, lasting());
    let prefix = hearing.prefix.clone();
    let bus = Running::start(hearing.clone()).await;
    let elsewhere = Running::start(hearing).await;
    let (mut node, worker) = (bus.link().await, elsewhere.link().await);
    node.enter(&audience()).await;
    worker.accepted(end("before", now(), "before")).await;
    let (from, slot) = cluster.holder(&tag(&prefix)).await;
    cluster.move_slot(slot, from, (from + 1) % 3).await;
    super::accepted_at_last(&worker, "after").await;
    assert_eq!(node.hear_texts(2).await, ["before", "after"]);
    timeout(DEADLINE, heard(&worker, &audience())).await.expect("it listens at the new place");
    assert!(!bus.metrics().contains("cause=\"taken_over\""), "it was moved, not taken over");
}

#[tokio::test]
async fn an_audience_whose_slot_is_on_its_way_holds_up_no_other() {
    let cluster = Cluster::start().await;
    let bus = Running::start(config(&cluster, lasting())).await;
    let node = bus.link().await;
    let (moving, others) = (room("moving"), (0..50).map(|n| room(&n.to_string())));
    let tag = format!("{}:{{{moving}}}:life", bus.prefix);
    let (from, slot) = cluster.holder(&tag).await;
    let to = (from + 1) % 3;
    cluster.begin_to_move(slot, from, to).await;
    let others: Vec<_> = others.collect();
    let entering = join_all(others.iter().map(|room| node.interest().enter(room)));
    let (moved, entered) = tokio::join!(node.interest().enter(&moving), entering);
    for entered in entered {
        entered.expect("its slot stays");
    }
    let error = moved.expect_err("its slot is on its way");
    assert!(error.is_transient(), "{error}");
    cluster.move_slot(slot, from, to).await;
    let entered = async { while node.interest().enter(&moving).await.is_err() {} };
    timeout(DEADLINE, entered).await.expect("its slot has arrived");
}

#[tokio::test]
async fn an_audience_that_cannot_be_read_holds_up_no_other() {
    let cluster = Cluster::start().await;
    let bus = Running::start(config(&cluster, lasting())).await;
    let mut node = bus.link().await;
    let stuck = room("stuck");
    let key = format!("{}:{{{stuck}}}:life", bus.prefix);
    let (from, slot) = cluster.holder(&key).await;
    let others: Vec<_> = (0..30).map(|n| room(&n.to_string())).collect();
    for room in others.iter().chain([&stuck]) {
        node.enter(room).await;
        node.accepted(plain(room.clone(), "before")).await;
    }
    node.hear_texts(others.len() + 1).await;
    // Its count can be asked for, and goes on; but a script would find some of its keys only.
    cluster.begin_to_move(slot, from, (from + 1) % 3).await;
    cluster.nodes[from].say(&format!("HINCRBY {key} seq 1")).await;
    for room in &others {
        let life = format!("{}:{{{room}}}:life", bus.prefix);
        let (holder, _) = cluster.holder(&life).await;
        cluster.nodes[holder].say(&format!("HINCRBY {life} seq 1")).await;
    }
    for server in &cluster.nodes {
        server.say("CLIENT KILL TYPE pubsub").await;
    }
    let all = format!("carillon_bus_repairs_total{{cause=\"behind\"}} {}", others.len());
    timeout(DEADLINE / 2, bus.comes_to_count(&all)).await.expect("all others are read");
}

#[tokio::test]
async fn what_is_published_while_a_slot_is_on_its_way_is_taken_when_it_has_arrived() {
    let cluster = Cluster::start().await;
    let bus = Running::start(config(&cluster, lasting())).await;
    let node = bus.link().await;
    let (from, slot) = cluster.holder(&tag(&bus.prefix)).await;
    let others = (0..30).map(|n| plain(room(&n.to_string()), "note"));
    let all: Vec<_> = others.chain([end("copy", now(), "end"), end("two", now(), "two")]).collect();
    for to in 1..=2 {
        let (from, to) = ((from + to - 1) % 3, (from + to) % 3);
        cluster.begin_to_move(slot, from, to).await;
        let arriving = async {
            sleep(Duration::from_millis(300)).await;
            cluster.move_slot(slot, from, to).await;
        };
        let one = node.try_publish(plain(audience(), "one"));
        let all = node.link.publisher.publish_all(all.clone());
        let (one, all, ()) = tokio::join!(one, all, arriving);
        one.expect("it arrives in time");
        let refused = all.iter().find(|result| result.is_err());
        assert!(refused.is_none(), "{refused:?}");
    }
}

#[tokio::test]
async fn what_waits_for_its_slot_holds_up_no_other_audience_of_its_batch() {
    let cluster = Cluster::start().await;
    let limits = Config { publish_wait: Duration::from_millis(500), ..lasting() };
    let bus = Running::start(config(&cluster, limits)).await;
    let node = bus.link().await;
    let (from, slot) = cluster.holder(&tag(&bus.prefix)).await;
    cluster.begin_to_move(slot, from, (from + 1) % 3).await;
    // More than one trip of each.
    let waiting = (0..40).map(|n| end(&n.to_string(), now(), "end"));
    let others = (0..40).map(|_| plain(room("other"), "note"));
    let results = node.link.publisher.publish_all(waiting.chain(others).collect()).await;
    let (waiting, others) = results.split_at(40);
    assert!(waiting.iter().all(|it| it.as_ref().is_err_and(PublishError::is_transient)));
    assert!(others.iter().all(Result::is_ok), "{others:?}");
}

#[tokio::test]
async fn one_room_whose_slot_is_on_its_way_costs_no_other_its_members() {
    let cluster = Cluster::start().await;
    let config = config(&cluster, OverRedis::config());
    settle(&cluster, &config.prefix).await;
    let bus = Running::start(config).await;
    let mut node = bus.link().await;
    let stuck = room("1");
    for n in 0..30 {
        let login = login("a", LoginMode::Whenever);
        node.link.logins.login(&room(&n.to_string()), login).await.expect("it is let in");
    }
    let (from, slot) = cluster.holder(&tag_of(&bus.prefix, &stuck)).await;
    let to = (from + 1) % 3;
    cluster.begin_to_move(slot, from, to).await;
    cluster.empty(slot, from, to).await;
    sleep(OverRedis::config().login_lease * 3).await;
    let mut put_out = Vec::new();
    while let Some(arrival) = node.link.inbox.try_next() {
        let Arrival::PutOut { room, .. } = arrival else { panic!("{arrival:?}") };
        put_out.push(room);
    }
    assert_eq!(put_out, [stuck]);
}

#[tokio::test]
async fn slots_that_move_together_to_a_new_primary_and_an_old_one_are_both_heard() {
    let mut cluster = Cluster::start().await;
    let fourth = node().await;
    cluster.nodes[0].say(&meet(&fourth)).await;
    cluster.nodes.push(fourth);
    cluster.agreed().await;
    let never = RedisConfig { canary_every: DEADLINE * 100, ..config(&cluster, lasting()) };
    let bus = Running::start(never).await;
    let node = bus.link().await;
    let (one, other) = (room("one"), room("other"));
    node.enter(&one).await;
    node.enter(&other).await;
    // Nobody looks before both have moved.
    for (room, place) in [(&one, 1), (&other, 3)] {
        let (from, slot) = cluster.holder(&tag_of(&bus.prefix, room)).await;
        let to = if place == 3 { 3 } else { (from + place) % 3 };
        cluster.move_slot(slot, from, to).await;
    }
    for room in [&one, &other] {
        timeout(DEADLINE, heard(&node, room)).await.expect("it listens at the new place");
    }
}

#[tokio::test]
async fn finals_outlive_a_primary_whose_replica_takes_over() {
    let mut cluster = Cluster::start().await;
    let replica = node().await;
    cluster.nodes[0].say(&meet(&replica)).await;
    cluster.nodes.push(replica);
    cluster.agreed().await;
    let hearing = config(&cluster, lasting());
    let (holder, _) = cluster.holder(&tag(&hearing.prefix)).await;
    let id = cluster.id(holder).await;
    let replica = &cluster.nodes[3];
    replica.comes_to_say("CLUSTER NODES", &id).await;
    replica.say(&format!("CLUSTER REPLICATE {id}")).await;
    replica.comes_to_say("INFO replication", "master_link_status:up").await;
    let log = format!("EXISTS {}:{{{}}}:log", hearing.prefix, audience());
    let bus = Running::start(hearing).await;
    let (mut node, worker) = (bus.link().await, bus.link().await);
    node.enter(&audience()).await;
    worker.accepted(end("before", now(), "before")).await;
    assert_eq!(node.hear_texts(1).await, ["before"]);
    // A cluster's replica answers to nobody who has not said that a replica will do.
    let is_there =
        async || cluster.nodes[3].say(&format!("READONLY\r\n{log}")).await.contains(":1");
    let copied = async {
        while !is_there().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, copied).await.expect("the replica has it");
    cluster.nodes[holder].stop();
    super::accepted_at_last(&worker, "after").await;
    assert_eq!(super::heard_until(&mut node, "after").await.last().unwrap(), "after");
    bus.comes_to_count("carillon_redis_up 1").await;
}
