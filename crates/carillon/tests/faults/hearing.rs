//! A node that nothing of what is published reaches, though Redis answers it: others call that healthy.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{caller::Caller, process::Process, server::Server};

/// A node looks every 5 s, and believes it when it has looked twice.
const PATIENCE: Duration = Duration::from_mins(1);

/// What takes its ears from whoever uses this name: all but what nodes say to each other.
fn deafen(name: &str) -> String {
    format!("ACL SETUSER {name} resetchannels &carillon:{{nodes}}* &carillon:signal*")
}

async fn node(redis: &Server, name: &str) -> Process {
    redis.say(&format!("ACL SETUSER {name} on >secret ~* &* +@all")).await;
    let url = redis.url_for(&format!("{name}:secret"));
    Process::start(&[("redis.url", url.as_str())]).await
}

async fn all_say(caller: &Caller, nodes: &[&Process], status: StatusCode) {
    let is_deaf = status == StatusCode::SERVICE_UNAVAILABLE;
    for node in nodes {
        let why = timeout(PATIENCE, until_it_says(caller, node, status)).await;
        let why = why.expect("it says so in time");
        assert_eq!(why["because"], if is_deaf { json!("deaf") } else { json!(null) });
    }
}

/// What it says beside the status.
async fn until_it_says(caller: &Caller, node: &Process, status: StatusCode) -> Value {
    loop {
        let ask = caller.try_ask(Method::GET, &node.internal, "/readyz", String::new());
        let (said, why) = ask.await.expect("the node answers");
        if said == status {
            return why;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_deaf_are_not_ready_while_another_hears_and_all_are_when_none_does() {
    let redis = Server::start(&[]).await;
    let caller = Caller::new();
    let (one, two, hears) =
        (node(&redis, "one").await, node(&redis, "two").await, node(&redis, "three").await);
    for name in ["one", "two"] {
        redis.say(&deafen(name)).await;
    }
    all_say(&caller, &[&one, &two], StatusCode::SERVICE_UNAVAILABLE).await;
    all_say(&caller, &[&hears], StatusCode::OK).await;
    redis.say(&deafen("three")).await;
    all_say(&caller, &[&one, &two, &hears], StatusCode::OK).await;
    redis.say("ACL SETUSER three allchannels").await;
    all_say(&caller, &[&one, &two], StatusCode::SERVICE_UNAVAILABLE).await;
    for name in ["one", "two"] {
        redis.say(&format!("ACL SETUSER {name} allchannels")).await;
    }
    all_say(&caller, &[&one, &two, &hears], StatusCode::OK).await;
    for node in [one, two, hears] {
        node.stop().await;
    }
}
