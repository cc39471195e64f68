//! Messages into Redis by `publish`, and what no node could use by `dead`.

use serde_json::Value;

use super::{
    harness::{DEADLINE, Ended, Node, PORTS, Running, carillon, command, fed, taken_port, within},
    server::Server,
};

const GOOD: &str = r#"{"identity":"a","userIdentity":5,"status":1000}"#;
/// Of use only to a node whose settings know the status.
const UNKNOWN: &str = r#"{"identity":"b","userIdentity":5,"status":200}"#;

pub(super) fn node_on(url: &str, more: &[&str]) -> Node {
    let url = format!("redis.url={url}");
    Node::start("serve", &[&["--set", &url][..], more].concat())
}

/// A listener that hears: what is plain is kept for nobody.
pub(super) fn listener(node: &Node) -> Running {
    let mut child = command(&["listen", "--url", &node.public, "--user", "5"]).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let listener = Running::of(child, out);
    let first = r#"{"identity":"first","userIdentity":5,"status":1000}"#;
    assert_eq!(fed(&["publish", "--to", &node.internal], first).code, 0);
    listener.line_with("first");
    listener
}

fn letters(ended: &Ended) -> Vec<Value> {
    assert_eq!(ended.code, 0, "{}", ended.err);
    ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Lists until there are so many.
fn letters_at(to: &str, len: usize) -> Vec<Value> {
    let to = to.to_owned();
    within(DEADLINE, move || {
        loop {
            let found = letters(&carillon(&["dead", "list", "--to", &to]));
            if found.len() == len {
                return found;
            }
        }
    })
}

#[tokio::test]
async fn publish_queues_in_order_and_keeps_garbage_out_of_the_stream() {
    let redis = Server::start(&[]).await;
    let input = format!("{GOOD}\n{{broken\n{UNKNOWN}\n");
    let ended = fed(&["publish", "--to", &redis.url()], &input);
    assert_eq!((ended.code, ended.out.as_str()), (1, "queued 1, rejected 2\n"), "{}", ended.err);
    assert!(
        ended.err.contains("message 1: ") && ended.err.contains("message 2: "),
        "{}",
        ended.err
    );

    let messages: Vec<_> = (0..600)
        .map(|n| format!(r#"{{"identity":"t","userIdentity":5,"status":100,"n":{n}}}"#))
        .collect();
    let ended = fed(&["publish", "--to", &redis.url(), "--prefix", "other"], &messages.join("\n"));
    assert_eq!((ended.code, ended.out.as_str()), (0, "queued 600\n"), "{}", ended.err);
    let stream = redis.say("XRANGE other:tasks - +").await;
    let added: Vec<_> = stream.lines().filter(|line| line.starts_with('{')).collect();
    assert_eq!(added, messages);
    assert!(redis.say("XLEN carillon:tasks").await.contains(":1\r\n"));
}

#[tokio::test]
async fn publish_into_redis_reaches_the_page() {
    let redis = Server::start(&[]).await;
    let node = node_on(&redis.url(), &[]);
    let listener = listener(&node);
    assert_eq!(fed(&["publish", "--to", &redis.url()], GOOD).code, 0);
    assert!(listener.line_with("file.complete").contains(r#""a""#));
}

#[tokio::test]
async fn an_emit_in_the_stream_reaches_the_page_and_one_that_asks_for_more_is_dead() {
    let redis = Server::start(&[]).await;
    let node = node_on(&redis.url(), &[]);
    let listener = listener(&node);
    for more in ["", r#","ack":{"timeout":"1s"}"#] {
        let emit = format!(
            r#"{{"to":{{"user":"5"}},"namespace":"/notice","event":"hello","data":1{more}}}"#
        );
        redis.say(&format!("XADD carillon:tasks * emit '{emit}'")).await;
    }
    let line: Value = serde_json::from_str(&listener.line_with("hello")).unwrap();
    assert_eq!(line["args"], serde_json::json!([1]));
    assert_eq!(letters_at(&redis.url(), 1)[0]["reason"], "emit_unsupported");
}

#[tokio::test]
async fn what_is_wrong_with_redis_is_said_with_a_hint_and_without_the_password() {
    let redis = Server::start(&["--requirepass", "right"]).await;
    let (listener, nobody) = taken_port();
    drop(listener);
    let cases = [
        (redis.url_for(":s3cret"), 1),
        (format!("redis://:s3cret@{nobody}"), 1),
        ("redis-cluster-x://:s3cret@127.0.0.1:1".to_owned(), 64),
        ("redis://:s3cret@127.0.0.1:port".to_owned(), 64),
    ];
    for (url, code) in cases {
        for args in [&["publish", "--to", &url][..], &["dead", "list", "--to", &url]] {
            let ended = fed(args, GOOD);
            assert_eq!(ended.code, code, "{}", ended.err);
            assert!(ended.err.contains("hint") && !ended.err.contains("s3cret"), "{}", ended.err);
        }
    }
    assert_eq!(fed(&["publish", "--to", &redis.url_for(":right")], GOOD).code, 0);
}

#[tokio::test]
async fn doctor_says_of_redis_what_is_wrong_and_what_to_do_once() {
    let redis = Server::start(&["--requirepass", "right"]).await;
    let url = format!("redis.url={}", redis.url_for(":s3cret"));
    let ended = carillon(&[&["doctor", "--set", &url][..], &PORTS].concat());
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("hint: check user and password in the url"), "{}", ended.out);
    assert!(!ended.out.contains("s3cret") && !ended.out.contains("(hint"), "{}", ended.out);
}

#[tokio::test]
async fn a_dead_letter_is_shown_with_its_reason_and_lives_once_the_settings_know_it() {
    let redis = Server::start(&[]).await;
    let node = node_on(&redis.url(), &[]);
    redis.say("XADD carillon:tasks * foo bar").await;
    redis.say(&format!("XADD carillon:tasks * json {UNKNOWN:?}")).await;
    for to in [&redis.url(), &node.internal] {
        let found = letters_at(to, 2);
        let [newest, oldest] = [&found[0], &found[1]];
        assert_eq!((&oldest["reason"], &oldest["source"]), (&"no_json".into(), &"stream".into()));
        assert_eq!(newest["json"], UNKNOWN);
        let newest = newest["id"].as_str().unwrap();
        let older = carillon(&["dead", "list", "--limit", "1", "--before", newest, "--to", to]);
        assert_eq!(letters(&older), found[1..]);
    }
    drop(node);

    let node = node_on(&redis.url(), &["--set", "ingest.status=200=file.queued"]);
    let listener = listener(&node);
    let id = letters_at(&redis.url(), 2)[0]["id"].as_str().unwrap().to_owned();
    let replayed = carillon(&["dead", "replay", &id, "--to", &node.internal]);
    assert_eq!((replayed.code, replayed.out.as_str()), (0, "replayed 1\n"), "{}", replayed.err);
    listener.line_with("file.queued");
    letters_at(&redis.url(), 1);
}

#[tokio::test]
async fn what_is_replayed_and_still_no_use_is_dead_again_until_it_is_dropped() {
    let redis = Server::start(&[]).await;
    let node = node_on(&redis.url(), &[]);
    redis.say("XADD carillon:tasks * json broken").await;
    for to in [&node.internal, &redis.url()] {
        let first = letters_at(to, 1)[0].clone();
        let replayed = carillon(&["dead", "replay", "--all", "--to", to]);
        assert_eq!((replayed.code, replayed.out.as_str()), (0, "replayed 1\n"), "{}", replayed.err);
        let again = letters_at(to, 1)[0].clone();
        assert_eq!((&again["json"], &again["reason"]), (&first["json"], &"json".into()));
        assert_ne!(again["id"], first["id"]);
        let gone = carillon(&["dead", "drop", first["id"].as_str().unwrap(), "--to", to]);
        assert_eq!(gone.code, 1);
        assert!(gone.err.contains("no") && gone.err.contains("hint:"), "{}", gone.err);
    }
    // Without --to, where the settings say.
    let url = format!("redis.url={}", redis.url());
    let dropped = carillon(&["dead", "drop", "--all", "--set", &url]);
    assert_eq!((dropped.code, dropped.out.as_str()), (0, "dropped 1\n"), "{}", dropped.err);
    letters_at(&node.internal, 0);
}

#[tokio::test]
async fn dead_says_so_while_the_nodes_redis_is_away() {
    let mut redis = Server::start(&[]).await;
    let node = node_on(&redis.url(), &[]);
    redis.stop();
    let ended = carillon(&["dead", "list", "--to", &node.internal]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("503") && ended.err.contains("hint:"), "{}", ended.err);
}

#[test]
fn dead_shows_a_node_the_key_from_the_environment() {
    let key = "0123456789abcdef";
    let node = Node::start("serve", &["--set", &format!("internal.api_keys={key}")]);
    let list = |key: &str| {
        let mut command = command(&["dead", "list", "--to", &node.internal]);
        command.env("CARILLON_API_KEY", key).output().unwrap().status.code()
    };
    assert_eq!((list(key), list("fedcba9876543210")), (Some(0), Some(1)));
}

#[test]
fn dead_asks_a_node_without_redis_as_well_and_wants_to_know_which() {
    let node = Node::start("serve", &[]);
    letters_at(&node.internal, 0);
    let dropped = carillon(&["dead", "drop", "--all", "--to", &node.internal]);
    assert_eq!(dropped.out, "dropped 0\n", "{}", dropped.err);
    for args in [&["dead", "drop"][..], &["dead", "replay", "1-0", "--all"], &["dead", "drop", "x"]]
    {
        assert_eq!(carillon(args).code, 64, "{args:?}");
    }
    let help = carillon(&["dead", "replay", "--help"]).out;
    assert!(help.contains("carillon dead replay --all") && help.contains("redis.url"), "{help}");
}
