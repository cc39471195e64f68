//! What a person can do with the dead letters in Redis.

use ingest::{DeadLetterStore, RedisFeed, Which};

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
async fn of_what_is_too_large_or_no_message_the_beginning_is_kept_and_the_letter_says_so() {
    let rig = Rig::start().await;
    let _replica = rig.replica("r1").await;
    let padding = "ü".repeat(150_000);
    let large = format!(r#"{{"identity":"a","userIdentity":5,"status":100,"x":"{padding}"}}"#);
    let feed = RedisFeed::connect(&redis_at(&rig.server)).await.unwrap();
    feed.push_all(&[large.into()]).await.unwrap();
    feed.close().await;
    rig.say(&format!("XADD carillon:tasks * jason {}", "x".repeat(20_000))).await;
    rig.dead(2).await;
    let store = store(&rig).await;
    let letters = store.list(None, 2).await.unwrap();
    let mut reasons: Vec<_> = letters.iter().map(|(_, letter)| letter.reason).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["no_json", "too_large"]);
    for (_, letter) in &letters {
        assert!((8_191..=8_192).contains(&letter.json.len()), "{}", letter.json.len());
        assert!(str::from_utf8(&letter.json).is_ok(), "a letter was cut in two");
        assert!(letter.error.contains("cut: of its"), "{}", letter.error);
    }
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
