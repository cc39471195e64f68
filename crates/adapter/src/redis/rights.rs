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

    use std::{collections::BTreeSet, fs, path::Path};

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

    fn crate_file(path: &str) -> String {
        format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
    }

    /// The rule of the docs: what the bus needs, and what the queues of workers need beside that.
    fn rule() -> (String, String) {
        let page = fs::read_to_string(crate_file("../../docs/redis.md")).unwrap();
        let rule = page.lines().find(|line| line.starts_with("ACL SETUSER")).unwrap();
        let (of_bus, of_queues) = rule.split_once(" +subscribe ").unwrap();
        (of_bus.to_owned(), format!("+subscribe {of_queues}"))
    }

    fn granted(rule: &str) -> BTreeSet<String> {
        rule.split(' ').filter_map(|word| word.strip_prefix('+')).map(str::to_owned).collect()
    }

    /// What the scripts in a folder call, but for the one that looks what it may call.
    fn called(folder: &str) -> BTreeSet<String> {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let is_script = |path: &Path| {
            path.extension().is_some_and(|it| it == "lua") && !path.ends_with("rights.lua")
        };
        let scripts = paths.filter(|path| is_script(path));
        let text: String = scripts.map(|path| fs::read_to_string(path).unwrap()).collect();
        // The name, what stands between, and what may be its second word.
        let words = text.split("call('").skip(1).map(|rest| rest.split('\'').collect::<Vec<_>>());
        let second = |words: &[&str]| words.get(2).copied().unwrap_or_default().to_owned();
        words.map(|words| granted_as(&format!("{} {}", words[0], second(&words)))).collect()
    }

    #[test]
    fn every_command_that_a_script_calls_is_granted() {
        let (of_bus, of_queues) = rule();
        let (bus, all) = (granted(&of_bus), granted(&[of_bus, of_queues].join(" ")));
        let denied = |folder: &str, granted: &BTreeSet<String>| {
            let called = called(&crate_file(folder));
            assert!(called.len() > 3, "{folder}: {called:?}");
            called.difference(granted).cloned().collect::<Vec<_>>()
        };
        assert_eq!(denied("src/redis", &bus), [""; 0]);
        assert_eq!(denied("../ingest/src/redis", &all), [""; 0]);
    }

    #[test]
    fn every_command_that_a_node_is_granted_is_tried() {
        let (of_bus, of_queues) = rule();
        let mut wanted = granted(&[of_bus, of_queues].join(" "));
        let tried: Vec<_> = OF_BUS.iter().chain(OF_QUEUES).map(|call| granted_as(call)).collect();
        wanted.retain(|name| !ELSEWHERE.contains(&&**name) && !tried.iter().any(|it| it == name));
        assert!(wanted.is_empty(), "{wanted:?}");
    }
}
