//! What cannot work is said at once, with what to do about it, and without a secret.

use http::{Method, StatusCode};
use serde_json::json;

use crate::{
    old_redis::OldRedis,
    process::Process,
    server::Server,
    trial::{Trial, end_of},
};

async fn refused(url: &str) -> String {
    Process::refused(&[("redis.url", url)]).await
}

fn has_all(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part:?} in {said}");
    }
}

#[tokio::test]
async fn a_wrong_password_ends_the_process_with_a_hint_and_is_not_shown() {
    let redis = Server::start(&["--requirepass", "right-secret"]).await;
    let said = refused(&redis.url_for(":wrong-secret")).await;
    has_all(&said, &["log in to redis", "WRONGPASS", "hint: check user and password"]);
    assert!(!said.contains("secret"), "{said}");
}

#[tokio::test]
async fn a_redis_6_ends_the_process_with_the_version_that_is_needed() {
    let said = refused(&OldRedis::start().await.url()).await;
    has_all(&said, &["it is version 6.2.14", "hint: 7.0 or newer"]);
}

#[tokio::test]
async fn a_read_only_replica_ends_the_process_with_a_hint() {
    let redis = Server::start(&["--replicaof", "127.0.0.1", "1"]).await;
    has_all(&refused(&redis.url()).await, &["read-only replica", "hint: name the primary"]);
}

#[tokio::test]
async fn a_key_of_the_wrong_type_in_place_of_the_stream_ends_the_process_with_its_name() {
    let redis = Server::start(&[]).await;
    redis.say("SET carillon:tasks 1").await;
    let said = refused(&redis.url()).await;
    has_all(&said, &["open carillon:tasks: it is a string, expected a stream", "hint: move it"]);
}

#[tokio::test]
async fn a_key_of_the_wrong_type_under_an_audience_is_named_and_costs_nobody_else() {
    let redis = Server::start(&[]).await;
    let trial =
        Trial::without_workers(vec![Process::start(&[("redis.url", redis.url().as_str())]).await])
            .await;
    redis.say("SET carillon:{user:6@/notice}:life 1").await;
    let other = json!({ "identity": "other", "userIdentity": 6, "status": 1000 });
    let internal = &trial.nodes[0].internal;
    let ask = trial.caller.try_ask(Method::POST, internal, "/v1/tasks", other.to_string());
    let (status, answer) = ask.await.expect("the node answers");
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    redis.say(&format!("XADD carillon:tasks * json '{other}'")).await;
    redis.comes_to_say("XRANGE carillon:dead - +", "reason").await;
    assert!(trial.caller.hand_in(internal, &end_of("own")).await);
    trial.ends_well().await;
}

#[tokio::test]
async fn an_entry_without_a_message_is_a_dead_letter_and_the_next_one_arrives() {
    let redis = Server::start(&[]).await;
    let node = Process::start(&[("redis.url", redis.url().as_str())]).await;
    let mut trial = Trial::without_workers(vec![node]).await;
    redis.say("XADD carillon:tasks * jason '{}'").await;
    trial.write(&redis, 1, 1);
    redis.comes_to_say("XRANGE carillon:dead - +", "expected one named json or emit").await;
    let nodes = trial.ends_well().await;
    let said = nodes[0].has_said("message is a dead letter").await;
    assert_eq!((&said["reason"], &said["source"]), (&json!("no_json"), &json!("stream")));
}
