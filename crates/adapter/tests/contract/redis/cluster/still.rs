//! A primary that stands still while the others go on.

use adapter::{Arrival, LoginMode, RedisConfig};
use tokio::time::{sleep, timeout};

use super::{config, lasting, settle, tag_of};
use crate::{
    drafts::{plain, room},
    fleet::Cluster,
    logins::login,
    redis::{OverRedis, Running, leases::send},
    subject::Subject,
};

/// The primaries go on without each other.
async fn apart(cluster: &Cluster) {
    for server in &cluster.nodes {
        server.say("CONFIG SET cluster-require-full-coverage no").await;
    }
}

#[tokio::test]
async fn a_primary_that_stands_still_costs_no_room_on_another_its_members() {
    let cluster = Cluster::start().await;
    apart(&cluster).await;
    let config = config(&cluster, OverRedis::config());
    settle(&cluster, &config.prefix).await;
    let bus = Running::start(config).await;
    let mut node = bus.link().await;
    let mut stuck = Vec::new();
    for n in 0..30 {
        let room = room(&n.to_string());
        let login = login("a", LoginMode::Whenever);
        node.link.logins.login(&room, login).await.expect("it is let in");
        if cluster.holder(&tag_of(&bus.prefix, &room)).await.0 == 1 {
            stuck.push(room);
        }
    }
    send(&cluster.nodes[1], "-STOP").await;
    sleep(OverRedis::config().login_lease * 2).await;
    let mut put_out = Vec::new();
    while let Some(arrival) = node.link.inbox.try_next() {
        let Arrival::PutOut { room, .. } = arrival else { panic!("{arrival:?}") };
        put_out.push(room);
    }
    send(&cluster.nodes[1], "-CONT").await;
    put_out.sort();
    stuck.sort();
    assert_eq!(put_out, stuck);
}

#[tokio::test]
async fn replicas_are_asked_right_behind_a_notice_and_not_once_all_primaries_have_answered() {
    let cluster = Cluster::start().await;
    apart(&cluster).await;
    let config = RedisConfig { min_replicas_ack: 1, ..config(&cluster, lasting()) };
    let bus = Running::start(config).await;
    let node = bus.link().await;
    let rooms = (0..).map(|n| room(&format!("kept:{n}")));
    let mut on = [None, None, None];
    for room in rooms {
        let (holder, _) = cluster.holder(&tag_of(&bus.prefix, &room)).await;
        on[holder].get_or_insert(room);
        if on.iter().all(Option::is_some) {
            break;
        }
    }
    let drafts = on.map(|room| plain(room.expect("each has one"), "note")).into();
    cluster.nodes[0].say("CONFIG RESETSTAT").await;
    send(&cluster.nodes[1], "-STOP").await;
    let asked = async {
        let asked = cluster.nodes[0].comes_to_say("INFO commandstats", "cmdstat_wait");
        // Well before the publisher gives up.
        timeout(lasting().publish_wait / 2, asked).await.expect("the first is asked");
        send(&cluster.nodes[1], "-CONT").await;
    };
    let publishing = node.link.publisher.publish_all(drafts);
    tokio::select! {
        () = asked => {}
        results = publishing => panic!("one primary stands still: {results:?}"),
    }
}
