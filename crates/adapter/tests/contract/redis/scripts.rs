//! Scripts that Redis has forgotten, all of them or some.

use std::time::Duration;

use super::OverRedis;
use crate::drafts::{audience, end, now, plain};

#[tokio::test]
async fn scripts_that_redis_has_forgotten_are_handed_to_it_again() {
    let (bus, mut node) = OverRedis::lasting().await;
    node.enter(&audience()).await;
    bus.server.say("SCRIPT FLUSH").await;
    let drafts = (0..300).map(|n| end(&n.to_string(), now(), &n.to_string())).collect();
    let results = node.link.publisher.publish_all(drafts).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    bus.server.say("SCRIPT FLUSH").await;
    assert_eq!(node.within(Duration::from_hours(1)).await.finals.len(), 300);
    let texts: Vec<_> = (0..300).map(|n| n.to_string()).collect();
    assert_eq!(node.hear_texts(300).await, texts);
}

#[tokio::test]
async fn every_script_that_redis_forgot_comes_along_with_a_batch() {
    let (bus, node) = OverRedis::lasting().await;
    // One more than goes in one trip, so that the last goes by itself.
    for _ in 0..2 {
        bus.server.say("SCRIPT FLUSH").await;
        let drafts = (0..33).map(|n| plain(audience(), &n.to_string())).collect();
        let results = node.link.publisher.publish_all(drafts).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }
}

#[tokio::test]
async fn plain_notices_stay_in_order_where_redis_knows_only_one_of_the_scripts() {
    let (bus, mut node) = OverRedis::lasting().await;
    node.enter(&audience()).await;
    // One more than goes in one trip, so that the last goes by itself and by another script.
    let texts: Vec<_> = (0..33).map(|n| n.to_string()).collect();
    let drafts: Vec<_> = texts.iter().map(|text| plain(audience(), text)).collect();
    let two = vec![plain(audience(), "by"), plain(audience(), "two")];
    for known in [vec![plain(audience(), "by itself")], two] {
        bus.server.say("SCRIPT FLUSH").await;
        let len = known.len();
        let results = node.link.publisher.publish_all(known).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        node.hear_texts(len).await;
        let results = node.link.publisher.publish_all(drafts.clone()).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        assert_eq!(node.hear_texts(33).await, texts);
    }
}
