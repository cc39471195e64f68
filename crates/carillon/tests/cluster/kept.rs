//! Rooms that are kept, over two nodes: who comes late, or comes back, is told what it missed, once and in
//! order, and then what is new.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    harness::{Bus, Cluster},
    on_both_buses,
    page::Page,
};

on_both_buses!(
    a_late_comer_on_another_node_is_told_what_was_kept_and_then_what_is_new,
    who_comes_back_with_a_cursor_is_told_what_it_missed,
    what_is_no_longer_kept_is_told_as_a_gap,
    while_others_speak_a_late_comer_misses_nothing_and_hears_nothing_twice,
    whom_a_backend_lets_in_is_told_what_was_kept,
    in_rooms_of_other_namespaces_it_is_the_same,
    a_room_that_is_not_kept_replays_nothing,
    an_emit_that_names_a_kept_room_and_others_is_refused,
    what_members_relay_is_kept_too,
);

const KEPT: (&str, &str) = ("recovery.rooms", "chat:*");

async fn two_nodes(bus: Bus) -> Cluster {
    Cluster::set(2, bus, &[KEPT, ("recovery.keep", "1000"), ("uplink.relay", "chat:*")]).await
}

async fn say(cluster: &Cluster, room: &str, namespace: &str, data: &Value) {
    let emit = json!({
        "to": { "room": room }, "namespace": namespace, "event": "said", "data": data,
    });
    assert_eq!(cluster.post(0, "/v1/emit", &emit).await.0, StatusCode::OK);
}

/// A page of `/` that says `loginRoom` and has been told that it is in.
async fn member(cluster: &Cluster, node: usize, room: &str, since: &str) -> Page {
    let query = format!("namespace=/&since={}", in_query(since));
    let mut page = cluster.open(node, &query).await;
    assert_eq!(page.code().await, "2001");
    page.say("loginRoom", &json!([room, "loginWhenever"])).await;
    assert_eq!(page.next().await["args"][0]["code"], "2002", "it is told so first");
    page
}

/// An id percent-encodes its names, and the query all of it once more.
fn in_query(since: &str) -> String {
    since.replace('%', "%25")
}

/// What it is told next, up to `last`: each with whether it was replayed.
async fn told(page: &mut Page, last: i64) -> Vec<(i64, bool)> {
    let mut all = Vec::new();
    while all.last().is_none_or(|(number, _)| *number != last) {
        let message = page.next().await;
        assert_eq!(message["event"], "said", "{message}");
        all.push((message["args"][0].as_i64().unwrap(), message["replayed"] == true));
    }
    all
}

async fn a_late_comer_on_another_node_is_told_what_was_kept_and_then_what_is_new(bus: Bus) {
    let cluster = two_nodes(bus).await;
    for number in [1, 2] {
        say(&cluster, "chat:1", "/", &json!(number)).await;
    }
    let downlink =
        json!({ "ROOT": { "BODY": { "roomId": "chat:1", "eventName": "said", "data": 3 } } });
    assert_eq!(cluster.post(0, "/v1/downlink", &downlink).await.0, StatusCode::OK);
    let mut page = member(&cluster, 1, "chat:1", "").await;
    say(&cluster, "chat:1", "/", &json!(4)).await;
    let expected = [(1, true), (2, true), (3, true), (4, false)];
    assert_eq!(told(&mut page, 4).await, expected);
    page.say("loginRoom", &json!(["chat:1", "loginWhenever"])).await;
    assert_eq!(page.code().await, "2002");
    say(&cluster, "chat:1", "/", &json!(5)).await;
    assert_eq!(told(&mut page, 5).await, [(5, false)], "it was in already");
    cluster.stop_all().await;
}

async fn who_comes_back_with_a_cursor_is_told_what_it_missed(bus: Bus) {
    let cluster = two_nodes(bus).await;
    let mut page = member(&cluster, 0, "chat:1", "").await;
    say(&cluster, "chat:1", "/", &json!(1)).await;
    let seen = page.next().await;
    assert_eq!(seen["args"][0], 1);
    drop(page);
    for number in [2, 3] {
        say(&cluster, "chat:1", "/", &json!(number)).await;
    }
    let since = seen["id"].as_str().unwrap();
    let mut page = member(&cluster, 1, "chat:1", since).await;
    assert_eq!(told(&mut page, 3).await, [(2, true), (3, true)]);
    let query = format!("namespace=/&room=chat:1&since={}", in_query(since));
    let mut named_by_query = cluster.open(1, &query).await;
    assert_eq!(named_by_query.code().await, "2001");
    assert_eq!(told(&mut named_by_query, 3).await, [(2, true), (3, true)]);
    cluster.stop_all().await;
}

async fn what_is_no_longer_kept_is_told_as_a_gap(bus: Bus) {
    let cluster = Cluster::set(2, bus, &[KEPT, ("recovery.keep", "2")]).await;
    let mut page = member(&cluster, 0, "chat:1", "").await;
    say(&cluster, "chat:1", "/", &json!(1)).await;
    let since = page.next().await["id"].as_str().unwrap().to_owned();
    for number in 2..=4 {
        say(&cluster, "chat:1", "/", &json!(number)).await;
    }
    let mut late = member(&cluster, 1, "chat:1", &since).await;
    let gap = late.next().await;
    assert_eq!((&gap["event"], &gap["args"][0]["since"]), (&json!("notice.gap"), &json!(since)));
    assert_eq!(told(&mut late, 4).await, [(3, true), (4, true)]);
    let mut stranger = member(&cluster, 1, "chat:1", "room:chat%3A1@/:other-1").await;
    assert_eq!(stranger.next().await["event"], "notice.gap", "it is of another life");
    assert_eq!(told(&mut stranger, 4).await, [(3, true), (4, true)]);
    cluster.stop_all().await;
}

async fn while_others_speak_a_late_comer_misses_nothing_and_hears_nothing_twice(bus: Bus) {
    const LAST: i64 = 300;
    let cluster = two_nodes(bus).await;
    let speaking = async {
        for number in 1..=LAST {
            say(&cluster, "chat:1", "/", &json!(number)).await;
        }
    };
    let coming = async {
        for node in [0, 1, 0, 1, 1] {
            let mut page = member(&cluster, node, "chat:1", "").await;
            let numbers: Vec<_> = told(&mut page, LAST).await.into_iter().map(|it| it.0).collect();
            assert_eq!(numbers, (1..=LAST).collect::<Vec<_>>());
        }
    };
    tokio::join!(speaking, coming);
    cluster.stop_all().await;
}

async fn whom_a_backend_lets_in_is_told_what_was_kept(bus: Bus) {
    let cluster = two_nodes(bus).await;
    say(&cluster, "chat:1", "/", &json!(1)).await;
    let mut page = cluster.open(1, "namespace=/&user=7").await;
    assert_eq!(page.code().await, "2001");
    let join = json!({ "user": "7", "namespace": "/", "rooms": ["chat:1"] });
    assert_eq!(cluster.post(0, "/v1/sockets/join", &join).await.0, StatusCode::OK);
    say(&cluster, "chat:1", "/", &json!(2)).await;
    assert_eq!(told(&mut page, 2).await, [(1, true), (2, false)]);
    cluster.stop_all().await;
}

async fn in_rooms_of_other_namespaces_it_is_the_same(bus: Bus) {
    let cluster = two_nodes(bus).await;
    assert!(cluster.end(0, "copy").await);
    say(&cluster, "chat:1", "/notice", &json!(1)).await;
    let mut page = cluster.open(1, "namespace=/notice&user=5&room=chat:1").await;
    assert_eq!(page.next().await["event"], "file.complete", "its user's tasks are told as ever");
    say(&cluster, "chat:1", "/notice", &json!(2)).await;
    assert_eq!(told(&mut page, 2).await.last(), Some(&(2, false)));
    let mut other = cluster.page_with(1, "namespace=/notice&user=6").await;
    let join = json!({ "user": "6", "namespace": "/notice", "rooms": ["chat:1"] });
    assert_eq!(cluster.post(0, "/v1/sockets/join", &join).await.0, StatusCode::OK);
    assert_eq!(told(&mut other, 2).await, [(1, true), (2, true)]);
    cluster.stop_all().await;
}

async fn a_room_that_is_not_kept_replays_nothing(bus: Bus) {
    let cluster = two_nodes(bus).await;
    say(&cluster, "456", "/", &json!(1)).await;
    let mut page = member(&cluster, 1, "456", "").await;
    say(&cluster, "456", "/", &json!(2)).await;
    assert_eq!(told(&mut page, 2).await, [(2, false)]);
    cluster.stop_all().await;
}

async fn an_emit_that_names_a_kept_room_and_others_is_refused(bus: Bus) {
    let cluster = two_nodes(bus).await;
    let room = json!({ "room": "chat:1" });
    for more in [
        json!({ "to": { "rooms": ["chat:1", "456"] } }),
        json!({ "to": room, "except": { "rooms": ["456"] } }),
        json!({ "to": room, "except": { "sockets": ["a"] } }),
        json!({ "to": room, "scope": "local" }),
    ] {
        let mut emit = more.clone();
        emit["event"] = json!("said");
        let (status, answer) = cluster.post(0, "/v1/emit", &emit).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{more}: {answer}");
        assert!(answer["error"]["hint"].as_str().unwrap().contains("recovery.rooms"), "{answer}");
    }
    let volatile =
        json!({ "to": { "rooms": ["chat:1", "456"] }, "event": "said", "volatile": true });
    assert_eq!(cluster.post(0, "/v1/emit", &volatile).await.0, StatusCode::OK, "it is not kept");
    cluster.stop_all().await;
}

async fn what_members_relay_is_kept_too(bus: Bus) {
    let cluster = two_nodes(bus).await;
    let mut speaker = member(&cluster, 0, "chat:1", "").await;
    speaker.send(&json!({ "event": "relay", "args": ["chat:1", "hello", 1], "ack": 1 })).await;
    assert!(speaker.next().await["args"][0]["id"].is_string(), "it is said");
    let mut late = member(&cluster, 1, "chat:1", "").await;
    let relayed = late.next().await;
    assert_eq!(
        (&relayed["event"], &relayed["args"][0]["event"]),
        (&json!("relay"), &json!("hello"))
    );
    speaker.say("leaveRoom", &json!(["chat:1"])).await;
    speaker.say("loginRoom", &json!(["chat:1", "loginWhenever"])).await;
    assert_eq!(speaker.code().await, "2002");
    say(&cluster, "chat:1", "/", &json!(2)).await;
    assert_eq!(told(&mut speaker, 2).await, [(2, false)], "its own words are not for it");
    cluster.stop_all().await;
}
