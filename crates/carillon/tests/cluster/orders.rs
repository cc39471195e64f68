//! What a backend orders of sockets: some may be full, some may go meanwhile, and the rest is done all the same.

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep, timeout};

use crate::{
    harness::{Bus, Cluster},
    on_both_buses,
    page::{DEADLINE, Page},
    rooms::send,
};

on_both_buses!(
    a_socket_in_as_many_rooms_as_it_may_be_keeps_nobody_else_out,
    a_socket_that_is_full_is_told_of_and_not_unknown,
);

/// Rooms that one socket may be in.
const ROOMS_MAX: usize = 256;
/// Orders that may wait on one node.
const ORDERS_MAX: usize = 64;

async fn join(cluster: &Cluster, who: &Value, rooms: &[String]) -> (StatusCode, Value) {
    let mut order = who.clone();
    order["rooms"] = json!(rooms);
    cluster.post(0, "/v1/sockets/join", &order).await
}

fn names(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|room| format!("room{room}")).collect()
}

/// Fills whoever this is.
async fn fill(cluster: &Cluster, who: &Value) {
    for from in (0..ROOMS_MAX).step_by(64) {
        let joined = join(cluster, who, &names(from, from + 64)).await;
        assert_eq!(joined, (StatusCode::OK, json!({ "sockets": 1 })));
    }
}

async fn emit_reaches(cluster: &Cluster, namespace: &str, room: &str, page: &mut Page) {
    let emit = json!({ "to": { "room": room }, "namespace": namespace, "event": "e", "data": 1 });
    assert_eq!(cluster.post(0, "/v1/emit", &emit).await.0, StatusCode::OK);
    assert_eq!(page.event("e").await, json!(1));
}

async fn a_socket_in_as_many_rooms_as_it_may_be_keeps_nobody_else_out(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    for namespace in ["/", "/notice"] {
        let user = json!({ "user": 5, "namespace": namespace });
        let query = format!("namespace={namespace}&user=5");
        let _full = cluster.page_with(0, &query).await;
        fill(&cluster, &user).await;
        let mut beside = cluster.page_with(0, &query).await;
        let mut elsewhere = cluster.page_with(1, &query).await;
        let joined = join(&cluster, &user, &["news".to_owned()]).await;
        assert_eq!(joined, (StatusCode::OK, json!({ "sockets": 2, "full": 1 })), "{namespace}");
        emit_reaches(&cluster, namespace, "news", &mut beside).await;
        emit_reaches(&cluster, namespace, "news", &mut elsewhere).await;
    }
    cluster.stop_all().await;
}

async fn a_socket_that_is_full_is_told_of_and_not_unknown(bus: Bus) {
    let cluster = Cluster::of(2, bus).await;
    let _page = cluster.page_with(1, "namespace=/&user=5").await;
    let (_, listed) = cluster.ask(0, Method::GET, "/v1/sockets", "").await;
    let one = json!({ "socket": listed["sockets"][0]["id"] });
    fill(&cluster, &one).await;
    let joined = join(&cluster, &one, &["news".to_owned()]).await;
    assert_eq!(joined, (StatusCode::OK, json!({ "sockets": 0, "full": 1 })));
    let again = join(&cluster, &one, &names(0, 1)).await;
    assert_eq!(again, (StatusCode::OK, json!({ "sockets": 1 })), "it is in that one already");
    cluster.stop_all().await;
}

#[tokio::test]
async fn a_socket_that_goes_while_it_joins_is_passed_over() {
    let mut cluster = Cluster::of(1, Bus::Redis).await;
    let mut stays = cluster.page_with(0, "namespace=/&user=5").await;
    let goes = cluster.page_with(0, "namespace=/&user=5").await;
    let redis = cluster.redis().pid();
    send("-STOP", redis).await;
    let user = json!({ "user": 5 });
    let rooms = ["a".to_owned(), "b".to_owned()];
    let (joined, ()) = tokio::join!(join(&cluster, &user, &rooms), async {
        // Nothing shows that the order waits for Redis. Were it too late, the test would prove less.
        sleep(Duration::from_millis(300)).await;
        drop(goes);
        timeout(DEADLINE, sits_alone(&cluster)).await.expect("it is gone");
        send("-CONT", redis).await;
    });
    assert_eq!(joined, (StatusCode::OK, json!({ "sockets": 1 })));
    emit_reaches(&cluster, "/", "b", &mut stays).await;
    cluster.stop_all().await;
}

#[tokio::test]
async fn of_more_orders_than_may_wait_the_last_is_refused_as_busy() {
    let mut cluster = Cluster::of(1, Bus::Redis).await;
    let _page = cluster.page_with(0, "namespace=/&user=5").await;
    let redis = cluster.redis().pid();
    send("-STOP", redis).await;
    let (user, rooms) = (json!({ "user": 5 }), ["a".to_owned()]);
    let mut orders: FuturesUnordered<_> =
        (0..2 * ORDERS_MAX).map(|_| join(&cluster, &user, &rooms)).collect();
    let first = timeout(DEADLINE, orders.next()).await.expect("one is refused at once");
    let (status, answer) = first.expect("there are orders");
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("busy")));
    send("-CONT", redis).await;
    let statuses: Vec<_> = orders.map(|(status, _)| status).collect().await;
    assert!(statuses.contains(&StatusCode::OK), "those that waited are carried out: {statuses:?}");
    cluster.stop_all().await;
}

async fn sits_alone(cluster: &Cluster) {
    let here = "/v1/sockets?scope=local";
    while cluster.ask(0, Method::GET, here, "").await.1["sockets"].as_array().unwrap().len() > 1 {
        sleep(Duration::from_millis(20)).await;
    }
}
