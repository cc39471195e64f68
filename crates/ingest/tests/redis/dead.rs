//! What a person can do with the dead letters in Redis.

use ingest::{DeadLetterStore, Which};

use crate::harness::{Rig, redis_at};

async fn store(rig: &Rig) -> DeadLetterStore {
    DeadLetterStore::connect(&redis_at(&rig.server)).await.unwrap()
}

#[tokio::test]
async fn letters_are_listed_newest_first_by_the_page() {
    let rig = Rig::start().await;
    let _replica = rig.replica("r1").await;
    for bad in ["1", "2", "3"] {
        rig.say(&format!("XADD carillon:tasks * json {bad}")).await;
    }
    rig.dead(3).await;
    let store = store(&rig).await;
    let page = store.list(None, 2).await.unwrap();
    let rest = store.list(Some(page[1].0), 2).await.unwrap();
    let all: Vec<_> = page.iter().chain(&rest).map(|(_, letter)| letter.json.clone()).collect();
    assert_eq!((all, page.len()), (vec!["3".into(), "2".into(), "1".into()], 2));
    let letter = &page[0].1;
    assert_eq!((letter.reason, letter.tries, letter.source), ("not_object", 1, "stream"));
    assert!(letter.origin.is_some() && letter.error.contains("expected one JSON object"));
    assert_eq!(store.count().await.unwrap(), 3);
    store.close().await;
}

#[tokio::test]
async fn a_letter_handed_in_again_is_tried_again_and_gone_from_the_dead() {
    let mut rig = Rig::start().await;
    let json = crate::harness::message("a", "x.complete");
    rig.say(&format!("XADD carillon:dead * json '{json}' reason full")).await;
    rig.say("XADD carillon:dead * json 7 reason not_object").await;
    let _replica = rig.replica("r1").await;
    let store = store(&rig).await;
    let oldest = store.list(None, 10).await.unwrap()[1].0;
    assert_eq!(store.replay(Which::One(oldest)).await.unwrap(), 1);
    assert_eq!(rig.next().await, "a x.complete");
    assert_eq!(store.count().await.unwrap(), 1);
    assert_eq!(store.replay(Which::One(oldest)).await.unwrap(), 0);
    assert_eq!(store.replay(Which::All).await.unwrap(), 1);
    rig.dead(1).await;
    store.close().await;
}

#[tokio::test]
async fn letters_are_let_go_one_by_one_or_all_at_once() {
    let rig = Rig::start().await;
    for _ in 0..250 {
        rig.say("XADD carillon:dead * json 7 reason not_object").await;
    }
    let store = store(&rig).await;
    let newest = store.list(None, 1).await.unwrap()[0].0;
    assert_eq!(newest.to_string().parse::<ingest::DeadLetterId>().unwrap(), newest);
    assert_eq!(store.discard(Which::One(newest)).await.unwrap(), 1);
    assert_eq!(store.discard(Which::All).await.unwrap(), 249);
    assert_eq!(store.count().await.unwrap(), 0);
    store.close().await;
}
