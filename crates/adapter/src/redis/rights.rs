//! Which of the commands that a node runs its user may not run: those of docs/redis.md that scripts and queues use.
//! What subscribes and publishes is not among them, which a notice's way there and back tries.

use fred::{
    clients::Client,
    error::Error,
    interfaces::ClientLike,
    types::{ClusterHash, CustomCommand, Value},
};

use super::primaries::slot;

/// What the bus runs: each with arguments that fit, and change nothing that stays.
const OF_BUS: &[&str] = &[
    "TIME",
    "HSET KEY a 1",
    "HGET KEY a",
    "HGETALL KEY",
    "HKEYS KEY",
    "HLEN KEY",
    "HMGET KEY a",
    "HEXISTS KEY a",
    "HINCRBY KEY a 1",
    "HDEL KEY a",
    "PEXPIREAT KEY 1",
    "XADD KEY * a 1",
    "XDEL KEY 0-1",
    "XLEN KEY",
    "XRANGE KEY - +",
    "XREVRANGE KEY + -",
    "ZADD KEY 1 a",
    "ZCARD KEY",
    "ZRANGE KEY 0 -1",
    "ZSCORE KEY a",
    "ZREM KEY a",
    "UNLINK KEY",
];

/// What the queues of workers need beside that.
const OF_QUEUES: &[&str] = &[
    "TYPE KEY",
    "SET KEY a",
    "GET KEY",
    "DEL KEY",
    "EXISTS KEY",
    "PEXPIRE KEY 1",
    "SADD KEY a",
    "SREM KEY a",
    "SMEMBERS KEY",
    "LLEN KEY",
    "LPUSH KEY a",
    "RPUSH KEY a",
    "LPOP KEY",
    "RPOP KEY",
    "LREM KEY 1 a",
    "XACK KEY g 0-1",
    "XAUTOCLAIM KEY g c 1 0",
    "XCLAIM KEY g c 1 0-1",
    "XGROUP CREATE KEY g $ MKSTREAM",
    "XGROUP DELCONSUMER KEY g c",
    "XINFO CONSUMERS KEY g",
    "XINFO GROUPS KEY",
    "XPENDING KEY g",
    "XREADGROUP GROUP g c STREAMS KEY >",
    "XTRIM KEY MAXLEN 0",
];

/// Commands of two words, the second of which an ACL names too.
const WITH_SUBCOMMAND: [&str; 2] = ["XGROUP", "XINFO"];

/// What is denied, as an ACL would grant it: `hset`, `xgroup|create`.
pub(super) async fn denied(
    client: &Client,
    key: &str,
    with_queues: bool,
) -> Result<Vec<String>, Error> {
    let queues = if with_queues { OF_QUEUES } else { &[] };
    let calls = OF_BUS.iter().chain(queues).map(|call| Value::from_static_str(call));
    let mut args = vec![Value::from_static_str(include_str!("rights.lua")), 1.into(), key.into()];
    args.extend(calls);
    let command = CustomCommand::new_static("EVAL", ClusterHash::Custom(slot(key)), false);
    let denied: Value = client.custom(command, args).await?;
    let denied = denied.into_array().into_iter().filter_map(|call| call.as_string());
    Ok(denied.map(|call| granted_as(&call)).collect())
}

fn granted_as(call: &str) -> String {
    let mut words = call.split(' ');
    let name = words.next().unwrap_or_default();
    let sub = words.next().filter(|_| WITH_SUBCOMMAND.contains(&name));
    sub.map_or(name.to_owned(), |sub| format!("{name}|{sub}")).to_lowercase()
}

#[cfg(test)]
mod tests {
    //! That nothing is left out of what docs/redis.md lists.

    use super::*;

    /// What no script can try: connections, scripts themselves, channels.
    const ELSEWHERE: [&str; 16] = [
        "ping",
        "info",
        "role",
        "wait",
        "client|id",
        "cluster|slots",
        "cluster|info",
        "script|load",
        "eval",
        "evalsha",
        "ssubscribe",
        "sunsubscribe",
        "spublish",
        "pubsub|shardnumsub",
        "subscribe",
        "unsubscribe",
    ];

    #[test]
    fn every_command_that_a_node_is_granted_is_tried() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/redis.md");
        let page = std::fs::read_to_string(page).unwrap();
        let rule = page.lines().find(|line| line.starts_with("ACL SETUSER")).unwrap();
        let mut wanted: Vec<_> =
            rule.split(' ').filter_map(|word| word.strip_prefix('+')).collect();
        let tried: Vec<_> = OF_BUS.iter().chain(OF_QUEUES).map(|call| granted_as(call)).collect();
        wanted.retain(|name| !ELSEWHERE.contains(name) && !tried.iter().any(|it| it == name));
        assert!(wanted.is_empty(), "{wanted:?}");
    }
}
