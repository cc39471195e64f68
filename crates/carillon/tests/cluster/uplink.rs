//! What clients say: to the backend by a stream in Redis, to each other where the settings allow it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    harness::{Bus, Cluster},
    on_both_buses,
    page::{DEADLINE, Page},
};

on_both_buses!(
    without_a_stream_an_event_is_answered_with_an_error_and_counted,
    who_says_too_much_is_refused_and_who_goes_on_leaves,
    a_member_of_a_named_room_reaches_the_others_on_all_nodes_and_not_itself,
    who_is_not_in_the_room_or_names_another_may_not_relay,
    what_nests_too_deep_goes_nowhere,
);

const STREAM: (&str, &str) = ("uplink.stream", "uplink");
const RELAY: (&str, &str) = ("uplink.relay", "chat:*");
const EVENTS: &str = "carillon_client_events_total";

/// One entry: its fields in their order.
type Fields = Vec<(String, String)>;

impl Page {
    /// Says `event`, and gives the first argument of the answer. What else comes meanwhile is left out.
    async fn ask(&mut self, event: &str, args: Value, ack: i64) -> Value {
        self.send(&json!({ "event": event, "args": args, "ack": ack })).await;
        self.acked(ack).await
    }

    async fn acked(&mut self, ack: i64) -> Value {
        loop {
            let message = self.next().await;
            if message["ack"] == ack && message.get("event").is_none() {
                return message["args"][0].clone();
            }
        }
    }

    /// All that is acknowledged until the server closes the socket: an entry's id, and the number of its ack.
    async fn acknowledged(mut self) -> Vec<(String, Value)> {
        let mut acknowledged = Vec::new();
        while let Some(message) = self.try_next().await {
            let id = message["args"][0]["id"].as_str();
            acknowledged.extend(id.map(|id| (id.to_owned(), message["ack"].clone())));
        }
        acknowledged
    }

    /// Waits until the server has closed the socket, and gives the reason that it told.
    async fn farewell(&mut self) -> Option<Value> {
        let mut reason = None;
        while let Some(message) = self.try_next().await {
            if message["event"] == "disconnecting" {
                reason = Some(message["args"][0]["reason"].clone());
            }
        }
        reason
    }
}

impl Cluster {
    /// All that is in the stream.
    async fn uplinked(&mut self) -> Vec<Fields> {
        let answer = self.redis().say("XRANGE carillon:uplink - +").await;
        let words = answer.lines().filter(|line| !line.starts_with(['*', '$', '+']));
        let mut entries: Vec<Fields> = Vec::new();
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            // An entry's id stands before its fields, the first of which is its kind.
            if words.peek() == Some(&"kind") {
                entries.push(Vec::new());
                continue;
            }
            let value = words.next().unwrap_or_default().to_owned();
            entries.last_mut().expect("an id comes first").push((word.to_owned(), value));
        }
        entries
    }

    async fn uplinked_comes_to(&mut self, len: usize) -> Vec<Fields> {
        let coming = async {
            while self.uplinked().await.len() < len {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(DEADLINE, coming).await.expect("so many entries come");
        self.uplinked().await
    }
}

fn field<'a>(entry: &'a Fields, name: &str) -> &'a str {
    entry.iter().find(|(of, _)| of == name).map_or("", |(_, value)| value)
}

fn outcome(outcome: &str) -> String {
    format!("{EVENTS}{{outcome=\"{outcome}\"}} ")
}

async fn without_a_stream_an_event_is_answered_with_an_error_and_counted(bus: Bus) {
    let cluster = Cluster::of(1, bus).await;
    let mut page = cluster.page(0).await;
    let answer = page.ask("message", json!(["hello"]), 1).await;
    assert_eq!(answer["error"]["code"], "unhandled", "{answer}");
    page.say("message", &json!(["nobody wants to know"])).await;
    cluster.metric_is(0, &outcome("unhandled"), 2.0).await;
    cluster.stop_all().await;
}

async fn who_says_too_much_is_refused_and_who_goes_on_leaves(bus: Bus) {
    let cluster = Cluster::set(1, bus, &[("limits.events_per_second", "10")]).await;
    let mut page = cluster.page(0).await;
    for ack in 0..20 {
        page.send(&json!({ "event": "tasks", "args": [], "ack": ack })).await;
    }
    let mut refused = 0;
    for ack in 0..20 {
        refused += usize::from(page.acked(ack).await["error"]["code"] == "rate_limited");
    }
    assert!((5..=10).contains(&refused), "{refused} of 20 were refused");
    for _ in 0..40 {
        page.say("tasks", &json!([])).await;
    }
    let farewell = timeout(DEADLINE, page.farewell()).await.expect("it is put out");
    assert_eq!(farewell, Some(json!("events")));
    cluster.metric_is(0, "carillon_departures_total{reason=\"events\"} ", 1.0).await;
    cluster.stop_all().await;
}

async fn a_member_of_a_named_room_reaches_the_others_on_all_nodes_and_not_itself(bus: Bus) {
    let cluster = Cluster::set(2, bus, &[RELAY]).await;
    let room = "namespace=/notice&user=5&room=chat:1";
    let mut speaker = cluster.page_with(0, room).await;
    let mut beside = cluster.page_with(0, room).await;
    let mut far = cluster.page_with(1, "namespace=/notice&user=6&room=chat:1").await;
    let mut elsewhere = cluster.page_with(1, "namespace=/notice&user=7&room=chat:2").await;
    let args = json!(["chat:1", "typing", { "a": 1 }, "二"]);
    let answer = speaker.ask("relay", args, 1).await;
    assert!(answer["id"].is_string(), "{answer}");
    let mut names = Vec::new();
    for page in [&mut beside, &mut far] {
        let heard = page.next().await;
        assert_eq!(heard["event"], "relay", "{heard}");
        let [about, rest @ ..] = heard["args"].as_array().unwrap().as_slice() else { panic!() };
        assert_eq!(rest, [json!({ "a": 1 }), json!("二")]);
        assert_eq!((&about["user"], &about["room"]), (&json!("5"), &json!("chat:1")));
        assert_eq!(about["event"], "typing");
        names.push(about["from"].clone());
    }
    assert_eq!(names[0], names[1]);
    // What comes next at the others is this, so nothing came before.
    let emit = json!({ "namespace": "/notice", "event": "after", "data": 1 });
    cluster.post(0, "/v1/emit", &emit).await;
    assert_eq!(speaker.next().await["event"], "after");
    assert_eq!(elsewhere.next().await["event"], "after");
    cluster.metric_is(0, &outcome("relayed"), 1.0).await;
    cluster.stop_all().await;
}

async fn who_is_not_in_the_room_or_names_another_may_not_relay(bus: Bus) {
    let cluster = Cluster::set(1, bus, &[RELAY]).await;
    let mut page = cluster.page_with(0, "namespace=/notice&user=5&room=news").await;
    let refusals = [
        (json!(["chat:1", "typing"]), "not_allowed"),
        (json!(["news", "typing"]), "not_allowed"),
        (json!(["chat:1", "disconnect"]), "malformed"),
        (json!(["chat:1"]), "malformed"),
        (json!([{}, "typing"]), "malformed"),
        (json!([]), "malformed"),
    ];
    for (ack, (args, code)) in (1..).zip(refusals) {
        let answer = page.ask("relay", args, ack).await;
        assert_eq!(answer["error"]["code"], code, "{answer}");
    }
    cluster.metric_is(0, &outcome("not_relayed"), 6.0).await;
    cluster.stop_all().await;
}

async fn what_nests_too_deep_goes_nowhere(bus: Bus) {
    let cluster = Cluster::set(1, bus, &[RELAY]).await;
    let mut page = cluster.page_with(0, "namespace=/notice&user=5&room=chat:1").await;
    let deep = (0..120).fold(json!(1), |inner, _| json!([inner]));
    for (ack, (levels, is_taken)) in (1..).zip([(0, true), (9, false)]) {
        let arg = (0..levels).fold(deep.clone(), |inner, _| json!([inner]));
        let answer = page.ask("relay", json!(["chat:1", "x", arg]), ack).await;
        assert_eq!(answer["id"].is_string(), is_taken, "{answer}");
    }
    cluster.metric_is(0, &outcome("too_deep"), 1.0).await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn what_clients_of_two_nodes_say_is_in_one_stream_before_it_is_acknowledged() {
    let mut cluster = Cluster::set(2, Bus::Redis, &[STREAM]).await;
    let (mut one, mut other) = (cluster.page(0).await, cluster.page(1).await);
    let answer = one.ask("message", json!([1.5, "é"]), 1).await;
    let id = answer["id"].as_str().expect("it is kept");
    let entry = cluster.redis().say(&format!("XRANGE carillon:uplink {id} {id}")).await;
    assert!(entry.contains("[1.5,\"é\"]"), "{answer}: {entry}");
    other.ask("any name", json!([]), 1).await;
    let entries = cluster.uplinked().await;
    let about = ["kind", "user", "namespace", "event", "args"];
    assert_eq!(about.map(|it| field(&entries[1], it)), ["event", "5", "/notice", "any name", "[]"]);
    one.say("message", &json!(["nobody asks"])).await;
    cluster.uplinked_comes_to(3).await;
    cluster.metric_is(0, "carillon_uplink_total{kind=\"event\",outcome=\"kept\"} ", 2.0).await;
    cluster.metric_is(0, &outcome("handed_on"), 2.0).await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn what_happens_to_a_socket_is_told_in_its_order_if_it_is_asked_for() {
    let mut cluster = Cluster::set(1, Bus::Redis, &[STREAM, ("uplink.lifecycle", "true")]).await;
    let mut page = cluster.open(0, "namespace=/&user=5&room=a").await;
    assert_eq!(page.code().await, "2001");
    page.ask("loginRoom", json!(["b"]), 1).await;
    page.ask("hello", json!([]), 2).await;
    page.ask("leaveRoom", json!(["b"]), 3).await;
    drop(page);
    let entries = cluster.uplinked_comes_to(6).await;
    let told: Vec<_> = entries
        .iter()
        .map(|it| (field(it, "kind"), field(it, "room"), field(it, "reason")))
        .collect();
    let (kinds, end) = told.split_at(5);
    let wanted = [
        ("connect", "", ""),
        ("join", "a", ""),
        ("join", "b", ""),
        ("event", "", ""),
        ("leave", "b", ""),
    ];
    assert_eq!(kinds, wanted);
    assert!(matches!(end, [("disconnect", "", "client" | "transport_error")]), "{end:?}");
    cluster.stop_all().await;
}

#[tokio::test]
async fn while_redis_is_away_an_event_is_answered_at_once_and_sockets_stay() {
    let mut cluster = Cluster::set(1, Bus::Redis, &[STREAM]).await;
    let mut page = cluster.page(0).await;
    cluster.redis().stop();
    let answer = page.ask("message", json!([1]), 1).await;
    assert_eq!(answer["error"]["code"], "unavailable", "{answer}");
    cluster.metric_is(0, "carillon_redis_up ", 0.0).await;
    let answer = page.ask("message", json!([2]), 2).await;
    assert_eq!(answer["error"]["code"], "unavailable", "{answer}");
    cluster.redis().start_again().await;
    let back = async {
        while !page.ask("message", json!([3]), 3).await["id"].is_string() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(DEADLINE, back).await.expect("it is kept again");
    cluster.stop_all().await;
}

#[tokio::test]
async fn a_node_that_stops_under_load_has_kept_what_it_acknowledged() {
    let mut cluster = Cluster::set(1, Bus::Redis, &[STREAM]).await;
    let mut pages = Vec::new();
    for _ in 0..5 {
        pages.push(cluster.page(0).await);
    }
    let mut acknowledged = Vec::new();
    for (nth, page) in pages.iter_mut().enumerate() {
        for ack in 0..80 {
            let args = json!([format!("{nth}-{ack}")]);
            page.send(&json!({ "event": "message", "args": args, "ack": ack })).await;
        }
        if nth == 2 {
            cluster.tell_to_stop(0);
        }
    }
    for (nth, page) in pages.into_iter().enumerate() {
        let told = page.acknowledged().await.into_iter();
        acknowledged.extend(told.map(|(id, ack)| (id, format!("[\"{nth}-{ack}\"]"))));
    }
    cluster.stop(0).await;
    assert!(acknowledged.len() >= 80, "{} were acknowledged", acknowledged.len());
    // One by one: Redis does not finish a long answer to one who has said goodbye.
    for (id, args) in acknowledged {
        let entry = cluster.redis().say(&format!("XRANGE carillon:uplink {id} {id}")).await;
        assert!(entry.contains(&args), "{args} was acknowledged and is not there: {entry}");
    }
}
