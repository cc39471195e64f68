//! What a worker may count on that pushes into the list.

use crate::harness::{Replica, Rig, message, until};

const BESIDE: &str = "carillon:{carillon:tasks:list}";

async fn push(rig: &Rig, task: &str, event: &str) {
    let json = message(task, event);
    rig.say(&format!("LPUSH carillon:tasks:list '{json}'")).await;
}

async fn until_taken_is_empty(rig: &Rig, consumer: &str) {
    until("an empty taken-list", || async {
        rig.say(&format!("EXISTS {BESIDE}:taken:{consumer}")).await.starts_with(":0")
            && rig.say("LLEN carillon:tasks:list").await.starts_with(":0")
    })
    .await;
}

async fn published(replica: &Replica, count: i64) {
    until("counted", || async { replica.messages("list", "published") == count }).await;
}

#[tokio::test]
async fn what_is_pushed_is_published_in_its_order_and_removed() {
    let mut rig = Rig::start().await;
    for task in ["a", "b", "c"] {
        push(&rig, task, "x.complete").await;
    }
    let replica = rig.replica("r1").await;
    for task in ["a", "b", "c"] {
        assert_eq!(rig.next().await, format!("{task} x.complete"));
    }
    until_taken_is_empty(&rig, "r1").await;
    published(&replica, 3).await;
    replica.stop().await;
}

#[tokio::test]
async fn looks_at_an_empty_list_write_nothing() {
    let rig = Rig::start().await;
    let _replica = rig.replica("r1").await;
    rig.say("CONFIG RESETSTAT").await;
    until("two looks", || async {
        let stats = rig.say("INFO commandstats").await;
        let looks =
            stats.split("cmdstat_exists:calls=").nth(1).and_then(|rest| rest.split(',').next());
        looks.is_some_and(|looks| looks.parse::<u32>().unwrap() >= 2)
    })
    .await;
    assert!(
        rig.say(&format!("EXISTS {BESIDE}:lease:r1 {BESIDE}:consumers")).await.starts_with(":0")
    );
}

#[tokio::test]
async fn what_a_dead_consumer_took_is_taken_again() {
    let mut rig = Rig::start().await;
    push(&rig, "a", "x.complete").await;
    push(&rig, "b", "x.complete").await;
    rig.say(&format!("SADD {BESIDE}:consumers dead")).await;
    rig.say(&format!("SET {BESIDE}:lease:dead 1 PX 300")).await;
    for _ in 0..2 {
        rig.say(&format!("LMOVE carillon:tasks:list {BESIDE}:taken:dead RIGHT LEFT")).await;
    }
    let _replica = rig.replica("r1").await;
    assert_eq!(rig.next().await, "a x.complete");
    assert_eq!(rig.next().await, "b x.complete");
    until_taken_is_empty(&rig, "dead").await;
    until_taken_is_empty(&rig, "r1").await;
}

#[tokio::test]
async fn a_restarted_consumer_takes_up_what_it_had_taken() {
    let mut rig = Rig::start().await;
    push(&rig, "a", "x.complete").await;
    rig.say(&format!("LMOVE carillon:tasks:list {BESIDE}:taken:r1 RIGHT LEFT")).await;
    let _replica = rig.replica("r1").await;
    assert_eq!(rig.next().await, "a x.complete");
    until_taken_is_empty(&rig, "r1").await;
}

#[tokio::test]
async fn what_is_given_back_is_as_old_as_when_it_was_taken_first() {
    let mut rig = Rig::start().await;
    push(&rig, "t", "older.progress").await;
    let to_nowhere = rig.publisher_to_nowhere().await;
    let dead = Replica::over(to_nowhere, rig.config("dead")).await.unwrap();
    until("taken", || async {
        rig.say(&format!("LLEN {BESIDE}:taken:dead")).await.starts_with(":1")
    })
    .await;
    drop(dead);
    rig.hand_in("t", "newer.progress").await;
    assert_eq!(rig.next().await, "t newer.progress");
    let replica = rig.replica("r1").await;
    until("counted", || async { replica.messages("list", "superseded") == 1 }).await;
    until_taken_is_empty(&rig, "r1").await;
    assert!(rig.say(&format!("EXISTS {BESIDE}:stamps")).await.starts_with(":0"));
    replica.stop().await;
    assert!(!rig.has_more(), "what was older came after what was newer");
}

#[tokio::test]
async fn two_consumers_take_each_message_once_though_they_are_alike() {
    let mut rig = Rig::start().await;
    let replicas = [rig.replica("r1").await, rig.replica("r2").await];
    for _ in 0..300 {
        push(&rig, "t", "x.note").await;
    }
    rig.next_sorted(300).await;
    for consumer in ["r1", "r2"] {
        until_taken_is_empty(&rig, consumer).await;
    }
    for replica in replicas {
        replica.stop().await;
    }
    assert!(!rig.has_more(), "one was taken twice");
}

#[tokio::test]
async fn a_bad_message_of_the_list_is_a_dead_letter() {
    let rig = Rig::start().await;
    rig.say("LPUSH carillon:tasks:list nonsense").await;
    let _replica = rig.replica("r1").await;
    let dead = rig.dead(1).await;
    assert!(dead.contains("nonsense") && dead.contains("source\r\n$4\r\nlist"), "{dead}");
    until_taken_is_empty(&rig, "r1").await;
}
