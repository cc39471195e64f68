//! What a backend asks through one node, and who answers on all of them.

use std::process::Stdio;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::{self, Duration, Instant},
};

use crate::{
    harness::{Bus, Cluster},
    on_both_buses,
    page::{DEADLINE, Page},
};

on_both_buses!(
    the_members_on_every_node_answer_one_question,
    a_socket_on_another_node_is_asked_by_its_id,
    a_local_question_stays_on_the_node_that_was_asked,
    who_says_nothing_is_missing_when_the_time_is_over,
);

const ROOM: &str = "namespace=/notice&user=7&room=news";
const UP: &str = "carillon_redis_up ";

fn question(to: &Value, timeout: &str) -> Value {
    json!({
        "to": to, "namespace": "/notice", "event": "question", "data": { "n": 1 },
        "ack": { "timeout": timeout },
    })
}

/// Asks the room through node 0.
async fn ask_room(cluster: &Cluster, timeout: &str) -> Value {
    let (status, answer) =
        cluster.post(0, "/v1/emit", &question(&json!({ "room": "news" }), timeout)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

/// Waits until a question through node 0 is heard by so many.
async fn heard_by(cluster: &Cluster, nodes: usize) {
    let nobody = question(&json!({ "user": "nobody" }), "1s");
    let heard = async {
        loop {
            let (_, answer) = cluster.post(0, "/v1/emit", &nobody).await;
            if answer["nodes"] == json!(nodes) && answer["missing"] == json!(0) {
                return;
            }
            time::sleep(Duration::from_millis(20)).await;
        }
    };
    time::timeout(DEADLINE, heard).await.expect("the nodes hear each other in time");
}

fn data(answer: &Value) -> Vec<String> {
    let acks = answer["acks"].as_array().unwrap().iter();
    let mut data: Vec<_> = acks.map(|ack| ack["data"].as_str().unwrap().to_owned()).collect();
    data.sort();
    data
}

async fn the_members_on_every_node_answer_one_question(bus: Bus) {
    let cluster = Cluster::of(3, bus).await;
    heard_by(&cluster, 3).await;
    let mut a = cluster.page_with(0, ROOM).await;
    let mut b = cluster.page_with(1, ROOM).await;
    let mut c = cluster.page_with(2, ROOM).await;
    let (answer, ..) = tokio::join!(
        ask_room(&cluster, "20s"),
        a.answer("question", "a"),
        b.answer("question", "b"),
        c.answer("question", "c"),
    );
    assert_eq!(data(&answer), ["a", "b", "c"]);
    assert_eq!((&answer["missing"], &answer["nodes"]), (&json!(0), &json!(3)), "{answer}");
    cluster.stop_all().await;
}

async fn a_socket_on_another_node_is_asked_by_its_id(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    heard_by(&cluster, 2).await;
    let mut page = cluster.page(1).await;
    let (_, listed) = cluster.ask(1, Method::GET, "/v1/sockets?user=5", "").await;
    let id = &listed["sockets"][0]["id"];
    let ask = question(&json!({ "socket": id }), "20s");
    let ((_, answer), ()) =
        tokio::join!(cluster.post(0, "/v1/emit", &ask), page.answer("question", "here"));
    assert_eq!(answer["acks"], json!([{ "socket": id, "data": "here" }]), "{answer}");
    let nobody = question(&json!({ "socket": "nobody" }), "20s");
    assert_eq!(cluster.post(0, "/v1/emit", &nobody).await.0, StatusCode::NOT_FOUND);
    cluster.stop_all().await;
}

async fn a_local_question_stays_on_the_node_that_was_asked(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    heard_by(&cluster, 2).await;
    let mut here = cluster.page_with(0, ROOM).await;
    let mut there = cluster.page_with(1, ROOM).await;
    let mut ask = question(&json!({ "room": "news" }), "20s");
    ask["scope"] = json!("local");
    let ((_, answer), ()) =
        tokio::join!(cluster.post(0, "/v1/emit", &ask), here.answer("question", "here"));
    assert_eq!(data(&answer), ["here"]);
    assert_eq!(answer["nodes"], json!(1));
    // The question would have come before this, had it come here.
    let emit =
        json!({ "to": { "room": "news" }, "namespace": "/notice", "event": "last", "data": 1 });
    cluster.post(0, "/v1/emit", &emit).await;
    assert_eq!(there.next().await["event"], json!("last"));
    cluster.stop_all().await;
}

async fn who_says_nothing_is_missing_when_the_time_is_over(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    heard_by(&cluster, 2).await;
    let mut speaks = cluster.page_with(0, ROOM).await;
    let mut silent = cluster.page_with(1, ROOM).await;
    let asked = Instant::now();
    let (answer, ()) = tokio::join!(ask_room(&cluster, "500ms"), speaks.answer("question", "here"));
    assert!(asked.elapsed() >= Duration::from_millis(500), "it waited its time");
    assert_eq!(data(&answer), ["here"]);
    assert_eq!((&answer["missing"], &answer["nodes"]), (&json!(1), &json!(2)), "{answer}");
    assert_eq!(silent.event("question").await, json!({ "n": 1 }));
    // Late: nobody waits for it any more.
    cluster.stop_all().await;
}

#[tokio::test]
async fn while_redis_is_away_this_node_s_members_answer_and_after_it_all_do() {
    let mut cluster = Cluster::of(2, Bus::Redis).await;
    heard_by(&cluster, 2).await;
    let mut page = cluster.page_with(0, ROOM).await;
    let mut other = cluster.page_with(1, ROOM).await;
    cluster.redis().stop();
    cluster.metric_is(0, UP, 0.0).await;
    let (answer, ()) = tokio::join!(ask_room(&cluster, "20s"), page.answer("question", "here"));
    assert_eq!(data(&answer), ["here"]);
    assert_eq!(answer["missing"], json!(1), "{answer}");
    assert_eq!(answer["unasked"], json!([{ "node": null, "reason": "unreachable" }]));
    let nobody = question(&json!({ "user": "nobody" }), "20s");
    let (status, answer) = cluster.post(0, "/v1/emit", &nobody).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");

    cluster.redis().start_again().await;
    heard_by(&cluster, 2).await;
    let (answer, ..) = tokio::join!(
        ask_room(&cluster, "20s"),
        page.answer("question", "here"),
        other.answer("question", "there"),
    );
    assert_eq!(data(&answer), ["here", "there"]);
    cluster.stop_all().await;
}

#[tokio::test]
async fn a_node_that_says_nothing_is_told_of_and_not_waited_for() {
    let mut cluster = Cluster::of(2, Bus::Redis).await;
    heard_by(&cluster, 2).await;
    let mut page = cluster.page_with(1, ROOM).await;
    let _listens = deaf_listener(&mut cluster).await;
    let asked = Instant::now();
    let (answer, ()) = tokio::join!(ask_room(&cluster, "15s"), page.answer("question", "there"));
    assert!(asked.elapsed() < Duration::from_secs(10), "it took {:?}", asked.elapsed());
    assert_eq!(data(&answer), ["there"]);
    assert_eq!(answer["missing"], json!(1), "{answer}");
    assert_eq!(answer["unasked"], json!([{ "node": null, "reason": "silent" }]));
    cluster.stop_all().await;
}

/// Somebody who hears the questions of the cluster and never says a word.
async fn deaf_listener(cluster: &mut Cluster) -> Child {
    let redis = cluster.redis();
    let channels = redis.say("PUBSUB SHARDCHANNELS *ask-request*").await;
    let channel = channels.lines().find(|line| line.contains("ask-request#/#}")).unwrap();
    let mut listener = Command::new("redis-cli")
        .args(["-u", &redis.url(), "SSUBSCRIBE", channel])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let said = BufReader::new(listener.stdout.take().unwrap()).lines().next_line().await;
    assert!(said.unwrap().is_some(), "redis-cli says that it listens");
    listener
}

impl Page {
    /// Answers the next question of this name.
    pub(crate) async fn answer(&mut self, name: &str, data: &str) {
        loop {
            let message = self.next().await;
            if message["event"] == name {
                return self.send(&json!({ "ack": message["ack"], "args": [data] })).await;
            }
        }
    }
}
