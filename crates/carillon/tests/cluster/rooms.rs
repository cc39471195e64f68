//! Rooms that sockets log in to, over three nodes: who is in, who is told what, and what becomes of it when
//! a client, a node or the store goes away.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use tokio::{
    process::Command,
    time::{Instant, sleep, timeout},
};

use crate::{
    harness::{Bus, Cluster},
    on_both_buses,
    page::{DEADLINE, Page},
};

on_both_buses!(
    of_200_who_rush_in_first_one_is_in_and_all_others_are_told,
    of_200_who_rush_in_last_one_is_left_and_all_others_are_told,
    of_200_who_rush_in_whenever_all_are_in_and_nobody_is_the_first_beside_them,
    of_200_who_rush_in_any_way_a_last_one_puts_out_who_believed_to_be_in,
    a_member_hears_what_is_emitted_to_its_room_until_it_is_put_out_and_stays_connected,
    a_client_that_vanishes_gives_its_place_back_at_once,
    a_node_that_stops_gives_its_places_back_at_once,
    a_node_that_dies_gives_its_places_back_within_the_lease,
    a_room_named_by_the_query_is_held_too,
    a_reloaded_page_is_not_locked_out_by_its_own_ghost,
    every_bad_request_has_its_own_text,
);

const CLIENTS: usize = 200;
/// What the clusters of these tests are told.
const LEASE: Duration = Duration::from_secs(2);

async fn visitors(cluster: &Cluster, len: usize) -> Vec<Page> {
    let mut pages = Vec::new();
    for visitor in 0..len {
        pages.push(visitor_of(cluster, visitor % 3).await);
    }
    pages
}

async fn visitor_of(cluster: &Cluster, node: usize) -> Page {
    let mut page = cluster.open(node, "namespace=/").await;
    assert_eq!(page.code().await, "2001");
    page
}

impl Page {
    async fn log_in(&mut self, kind: &str) -> String {
        self.say("loginRoom", &json!(["456", kind])).await;
        self.code().await
    }

    /// What comes until nothing comes for a while.
    async fn rest(&mut self) -> Vec<String> {
        let mut codes = Vec::new();
        while let Ok(code) = timeout(Duration::from_millis(20), self.code()).await {
            codes.push(code);
        }
        codes
    }
}

/// Lets everybody log in at once, and gives what each is told, until all is quiet.
async fn rush(pages: &mut [Page], kind: impl Fn(usize) -> &'static str) -> Vec<Vec<String>> {
    for (at, page) in pages.iter_mut().enumerate() {
        page.say("loginRoom", &json!(["456", kind(at)])).await;
    }
    let mut told = Vec::new();
    for page in &mut *pages {
        told.push(vec![page.code().await]);
    }
    sleep(Duration::from_millis(500)).await;
    for (codes, page) in told.iter_mut().zip(pages) {
        codes.extend(page.rest().await);
    }
    told
}

async fn of_200_who_rush_in_first_one_is_in_and_all_others_are_told(bus: Bus) {
    let cluster = Cluster::of(3, bus).await;
    let mut pages = visitors(&cluster, CLIENTS).await;
    let told = rush(&mut pages, |_| "loginWhenFirst").await;
    assert_eq!(told.iter().filter(|codes| **codes == ["2002"]).count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|codes| **codes == ["2004"]).count(), CLIENTS - 1, "{told:?}");
    cluster.stop_all().await;
}

async fn of_200_who_rush_in_last_one_is_left_and_all_others_are_told(bus: Bus) {
    let cluster = Cluster::of(3, bus).await;
    let mut pages = visitors(&cluster, CLIENTS).await;
    let told = rush(&mut pages, |_| "loginWhenLast").await;
    assert_eq!(told.iter().filter(|codes| **codes == ["2002"]).count(), 1, "{told:?}");
    let were_put_out = told.iter().filter(|codes| **codes == ["2002", "2005"]).count();
    assert_eq!(were_put_out, CLIENTS - 1, "{told:?}");
    cluster.stop_all().await;
}

async fn of_200_who_rush_in_whenever_all_are_in_and_nobody_is_the_first_beside_them(bus: Bus) {
    let cluster = Cluster::of(3, bus).await;
    let mut pages = visitors(&cluster, CLIENTS).await;
    let told = rush(&mut pages, |_| "loginWhenever").await;
    assert!(told.iter().all(|codes| *codes == ["2002"]), "{told:?}");
    let mut newcomer = visitor_of(&cluster, 0).await;
    assert_eq!(newcomer.log_in("loginWhenFirst").await, "2004");
    let emit = json!({ "to": { "room": 456 }, "event": "flash", "data": 1 });
    assert_eq!(cluster.post(1, "/v1/emit", &emit).await.0, StatusCode::OK);
    for page in &mut pages {
        assert_eq!(page.event("flash").await, json!(1));
    }
    cluster.stop_all().await;
}

async fn of_200_who_rush_in_any_way_a_last_one_puts_out_who_believed_to_be_in(bus: Bus) {
    let cluster = Cluster::of(3, bus).await;
    let mut pages = visitors(&cluster, CLIENTS).await;
    let kinds = ["loginWhenFirst", "loginWhenLast", "loginWhenever", "loginWhenever"];
    let told = rush(&mut pages, |at| kinds[at % kinds.len()]).await;
    assert!(told.iter().any(|codes| *codes == ["2002"]), "somebody is in: {told:?}");
    let mut newcomer = visitor_of(&cluster, 0).await;
    assert_eq!(newcomer.log_in("loginWhenFirst").await, "2004");
    assert_eq!(newcomer.log_in("loginWhenLast").await, "2002");
    sleep(Duration::from_millis(500)).await;
    for (codes, page) in told.iter().zip(&mut pages) {
        let believed = *codes == ["2002"];
        let expected: &[&str] = if believed { &["2005"] } else { &[] };
        assert_eq!(page.rest().await, expected, "after {codes:?}");
    }
    cluster.stop_all().await;
}

async fn a_member_hears_what_is_emitted_to_its_room_until_it_is_put_out_and_stays_connected(
    bus: Bus,
) {
    let cluster = Cluster::of(3, bus).await;
    let mut pages = visitors(&cluster, 2).await;
    let emit = async |data: i32| {
        let emit = json!({ "to": { "room": 456 }, "event": "flash", "data": data });
        assert_eq!(cluster.post(2, "/v1/emit", &emit).await.0, StatusCode::OK);
    };
    emit(0).await;
    assert_eq!(pages[0].log_in("loginWhenFirst").await, "2002");
    emit(1).await;
    assert_eq!(pages[0].event("flash").await, json!(1));
    assert_eq!(pages[1].log_in("loginWhenLast").await, "2002");
    assert_eq!(pages[0].code().await, "2005");
    emit(2).await;
    assert_eq!(pages[1].event("flash").await, json!(2));
    let everyone = json!({ "event": "flash", "data": 3 });
    assert_eq!(cluster.post(2, "/v1/emit", &everyone).await.0, StatusCode::OK);
    assert_eq!(pages[0].event("flash").await, json!(3), "2 was not for it any more");
    pages[1].say("leaveRoom", &json!([456])).await;
    assert_eq!(log_in_at_last(&mut pages[0]).await, "2002");
    cluster.stop_all().await;
}

/// What it is told when it is told something else than that somebody is in, or nobody knows.
async fn log_in_at_last(page: &mut Page) -> String {
    let trying = async {
        loop {
            let code = page.log_in("loginWhenFirst").await;
            if code != "2004" && code != "2003" {
                return code;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, trying).await.expect("the room is free at last")
}

async fn a_client_that_vanishes_gives_its_place_back_at_once(bus: Bus) {
    let cluster = Cluster::of(3, bus).await;
    let mut pages = visitors(&cluster, 2).await;
    assert_eq!(pages[0].log_in("loginWhenFirst").await, "2002");
    assert_eq!(pages[1].log_in("loginWhenFirst").await, "2004");
    let since = Instant::now();
    drop(pages.remove(0));
    assert_eq!(log_in_at_last(&mut pages[0]).await, "2002");
    assert!(since.elapsed() < LEASE / 2, "it took {:?}", since.elapsed());
    cluster.stop_all().await;
}

async fn a_node_that_stops_gives_its_places_back_at_once(bus: Bus) {
    let mut cluster = Cluster::of(3, bus).await;
    let mut pages = visitors(&cluster, 2).await;
    assert_eq!(pages[0].log_in("loginWhenFirst").await, "2002");
    cluster.stop(0).await;
    let since = Instant::now();
    assert_eq!(log_in_at_last(&mut pages[1]).await, "2002");
    assert!(since.elapsed() < LEASE / 4, "it took {:?}", since.elapsed());
    cluster.stop_all().await;
}

async fn a_node_that_dies_gives_its_places_back_within_the_lease(bus: Bus) {
    let mut cluster = Cluster::of(3, bus).await;
    let mut pages = visitors(&cluster, 2).await;
    assert_eq!(pages[0].log_in("loginWhenFirst").await, "2002");
    let since = Instant::now();
    cluster.cut(0).await;
    assert_eq!(log_in_at_last(&mut pages[1]).await, "2002");
    assert!(since.elapsed() < LEASE + LEASE / 2, "it took {:?}", since.elapsed());
    cluster.stop_all().await;
}

async fn a_room_named_by_the_query_is_held_too(bus: Bus) {
    let cluster = Cluster::of(3, bus).await;
    let mut member = cluster.open(0, "namespace=/&room=456").await;
    assert_eq!(member.code().await, "2001");
    let mut other = visitor_of(&cluster, 1).await;
    assert_eq!(other.log_in("loginWhenFirst").await, "2004");
    assert_eq!(other.log_in("loginWhenLast").await, "2002");
    assert_eq!(member.code().await, "2005");
    // Rooms of other namespaces are held by nobody.
    let _elsewhere = cluster.page_with(2, "namespace=/notice&user=5&room=7").await;
    other.say("loginRoom", &json!([7])).await;
    assert_eq!(other.code().await, "2002");
    cluster.stop_all().await;
}

async fn a_reloaded_page_is_not_locked_out_by_its_own_ghost(bus: Bus) {
    let cluster = Cluster::of(3, bus).await;
    let mut pages = visitors(&cluster, 3).await;
    let login = json!([{ "id": 456, "resume": "mine" }]);
    pages[0].say("loginRoom", &login).await;
    assert_eq!(pages[0].code().await, "2002");
    pages[1].say("loginRoom", &json!([{ "id": 456, "resume": "another's" }])).await;
    assert_eq!(pages[1].code().await, "2004");
    pages[2].say("loginRoom", &login).await;
    assert_eq!(pages[2].code().await, "2002");
    assert_eq!(pages[0].code().await, "2005");
    cluster.stop_all().await;
}

async fn every_bad_request_has_its_own_text(bus: Bus) {
    let cluster = Cluster::of(1, bus).await;
    let mut page = cluster.open(0, "namespace=/").await;
    assert_eq!(page.code().await, "2001");
    let unknown = "type is unknown (use loginWhenFirst, loginWhenLast or loginWhenever)";
    let long = "r".repeat(100_000);
    for (args, text) in [
        (json!([]), "id is missing"),
        (json!([""]), "id is missing"),
        (json!([true]), "id is malformed"),
        (json!(["a\u{0}"]), "id is malformed"),
        (json!([long]), "id is malformed"),
        (json!(["456", "first"]), unknown),
        (json!(["456", 1]), unknown),
        (json!([{ "id": "456", "resume": [] }]), "resume is malformed"),
    ] {
        page.say("loginRoom", &args).await;
        assert_eq!(page.event("downmsg").await, json!({ "code": "2003", "msg": text }));
    }
    page.say("leaveRoom", &json!([null])).await;
    assert_eq!(page.code().await, "2003");
    assert_eq!(page.log_in("loginWhenFirst").await, "2002", "it may go on");
    cluster.stop_all().await;
}

pub(crate) async fn send(signal: &str, pid: u32) {
    let done = Command::new("kill").args([signal, &pid.to_string()]).status().await;
    assert!(done.unwrap().success());
}

#[tokio::test]
async fn when_redis_is_away_for_longer_than_a_lease_members_are_out_before_another_gets_in() {
    let mut cluster = Cluster::of(3, Bus::Redis).await;
    let mut pages = visitors(&cluster, 2).await;
    assert_eq!(pages[0].log_in("loginWhenFirst").await, "2002");
    let since = Instant::now();
    send("-STOP", cluster.redis().pid()).await;
    assert_eq!(pages[0].code().await, "2005");
    assert!(since.elapsed() < LEASE, "it was told after {:?}", since.elapsed());
    sleep(Duration::from_secs(3).saturating_sub(since.elapsed())).await;
    send("-CONT", cluster.redis().pid()).await;
    assert_eq!(log_in_at_last(&mut pages[1]).await, "2002");
    cluster.stop_all().await;
}

#[tokio::test]
async fn a_socket_whose_login_waits_for_redis_is_not_put_out_for_being_silent() {
    let pings = [("public.ping_interval", "300ms"), ("public.ping_timeout", "200ms")];
    let mut cluster = Cluster::set(1, Bus::Redis, &pings).await;
    let mut page = visitor_of(&cluster, 0).await;
    send("-STOP", cluster.redis().pid()).await;
    page.say("loginRoom", &json!(["456"])).await;
    let resume = async {
        sleep(Duration::from_millis(1500)).await;
        send("-CONT", cluster.redis().pid()).await;
    };
    let (code, ()) = tokio::join!(page.code(), resume);
    assert!(["2002", "2003"].contains(&code.as_str()), "{code}");
    assert_eq!(log_in_at_last(&mut page).await, "2002");
    cluster.stop_all().await;
}

#[tokio::test]
async fn who_names_a_full_room_in_its_query_is_told_so() {
    let mut cluster = Cluster::of(1, Bus::Redis).await;
    let mut page = visitor_of(&cluster, 0).await;
    assert_eq!(page.log_in("loginWhenever").await, "2002");
    let fill = "local room = redis.call('KEYS', '*room:*:leases')[1] \
                for n = 1, 99999 do redis.call('ZADD', room, 9e15, n) end";
    cluster.redis().say(&format!("EVAL \"{fill}\" 0")).await;
    assert_eq!(page.log_in("loginWhenever").await, "2002", "who is in stays in");
    let mut late = cluster.open(0, "namespace=/&room=456").await;
    assert_eq!(late.try_next().await, None);
    cluster.metric_is(0, "carillon_handshakes_total{outcome=\"room_full\"} ", 1.0).await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn while_redis_is_away_a_login_is_answered_with_2003() {
    let mut cluster = Cluster::of(1, Bus::Redis).await;
    let mut page = visitor_of(&cluster, 0).await;
    assert_eq!(page.log_in("loginWhenFirst").await, "2002");
    cluster.redis().stop();
    page.say("loginRoom", &json!(["456"])).await;
    let told = page.event("downmsg").await;
    assert_eq!(told, json!({ "code": "2003", "msg": "the store is unreachable, try again later" }));
    cluster.stop_all().await;
}
