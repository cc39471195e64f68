//! Whether the Redis of the settings will do: docs/redis.md gives the reasons.

use std::time::Duration;

use adapter::{RedisCluster, RedisCondition, RedisPrimary, RedisSentinel};
use tokio::time::Instant;

use super::{Finding, Verdict};
use crate::{
    bus,
    settings::{Config, Role},
};

/// Past these, something is worth a look.
const LATENCY_MAX: Duration = Duration::from_millis(10);
const CLOCK_APART_MAX: Duration = Duration::from_millis(500);
/// How full memory and clients may be.
const FULL: f64 = 0.85;

const SLOTS: u64 = 16_384;

pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let Some(redis) = bus::redis(config) else {
        return vec![Finding::of("bus", Verdict::good("embedded, for one node"))];
    };
    let trip = round_trip(config).await;
    let is_there = !matches!(trip, Verdict::Bad(..));
    let mut findings = vec![Finding::of("bus", trip)];
    match redis.condition(config.roles.has(Role::Ingest)).await {
        Ok(condition) => findings.extend(all(config, &condition)),
        Err(error) if is_there => findings.push(Finding::of(
            "redis",
            Verdict::of_error(&error, "mend redis.url, or what stands there"),
        )),
        // Why is said already.
        Err(_) => {}
    }
    findings
}

/// Whether a notice goes to the bus and comes back.
async fn round_trip(config: &Config) -> Verdict {
    let before = Instant::now();
    match bus::round_trip(config).await {
        Ok(()) => Verdict::good(format!(
            "redis, connected to and a notice there and back in {:?}",
            before.elapsed()
        )),
        Err(error) => {
            let error = anyhow::Error::new(error);
            Verdict::of_error(&format!("{error:#}"), "mend redis.url, or what stands there")
        }
    }
}

fn all(config: &Config, condition: &RedisCondition) -> Vec<Finding> {
    let RedisCondition { primaries, cluster, sentinels, .. } = condition;
    let mut findings = Vec::new();
    let is_alone = cluster.is_none() && sentinels.is_empty();
    let acks_min = config.redis.as_ref().map_or(0, |redis| redis.min_replicas_ack);
    for primary in primaries {
        let mut say = |what: &str, verdict| {
            findings.push(Finding::of(format!("redis {} {what}", primary.name), verdict));
        };
        say("version", Verdict::good(&primary.version));
        say("latency", latency(primary));
        say("clock", clock(primary));
        say("memory", memory(primary));
        say("persistence", persistence(primary));
        say("replicas", replicas(primary, is_alone, acks_min));
        say("clients", clients(primary));
    }
    findings.extend(cluster.iter().map(of_cluster));
    findings.extend(sentinels.iter().map(of_sentinel));
    findings.push(rights(condition));
    findings
}

fn latency(primary: &RedisPrimary) -> Verdict {
    let text = format!("{:?} at best", primary.latency);
    if primary.latency > LATENCY_MAX {
        return Verdict::weak(
            text,
            "every notice waits for it: bring nodes and Redis closer together",
        );
    }
    Verdict::good(text)
}

fn clock(primary: &RedisPrimary) -> Verdict {
    let (apart, is_ahead) = primary.clock;
    let side = if is_ahead { "ahead of" } else { "behind" };
    if apart > CLOCK_APART_MAX {
        let hint = "keep both by NTP: ages and latencies compare the clocks of several machines";
        return Verdict::weak(format!("{apart:?} {side} ours"), hint);
    }
    Verdict::good(format!("{apart:?} {side} ours"))
}

fn memory(primary: &RedisPrimary) -> Verdict {
    let RedisPrimary { policy, used_bytes, bytes_max, .. } = primary;
    if policy != "noeviction" {
        let hint =
            "set maxmemory-policy noeviction, else ends that were accepted may be thrown away";
        return Verdict::weak(format!("maxmemory-policy is {policy}"), hint);
    }
    match bytes_max {
        None => Verdict::good("noeviction, and no maxmemory"),
        Some(max) if is_full(*used_bytes, *max) => Verdict::weak(
            format!("{used_bytes} of {max} bytes are in use"),
            "raise maxmemory, or lower recovery.keep: a Redis that is full takes no notices",
        ),
        Some(max) => Verdict::good(format!("noeviction, {used_bytes} of {max} bytes in use")),
    }
}

fn persistence(primary: &RedisPrimary) -> Verdict {
    if primary.is_appending {
        return Verdict::good("appendonly yes");
    }
    let hint = "set appendonly yes, with appendfsync always where a restart may lose nothing";
    Verdict::weak("appendonly no: a restart loses what was accepted since the last snapshot", hint)
}

fn replicas(primary: &RedisPrimary, is_alone: bool, acks_min: usize) -> Verdict {
    let RedisPrimary { replicas, .. } = primary;
    if *replicas < acks_min {
        let text =
            format!("{replicas}, and redis.min_replicas_ack = {acks_min}: nothing is accepted");
        return Verdict::bad(text, "start replicas, or lower redis.min_replicas_ack");
    }
    if *replicas == 0 && !is_alone {
        return Verdict::weak("none: nobody takes over", "give this primary a replica");
    }
    Verdict::good(replicas.to_string())
}

fn clients(primary: &RedisPrimary) -> Verdict {
    let RedisPrimary { clients, clients_max, .. } = primary;
    let text = format!("{clients} of {clients_max}");
    if is_full(*clients, *clients_max) {
        return Verdict::weak(text, "raise maxclients: a node has four connections or more");
    }
    Verdict::good(text)
}

fn is_full(used: u64, max: u64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "a share need not be exact")]
    let share = used as f64 / max as f64;
    max > 0 && share > FULL
}

fn of_cluster(cluster: &RedisCluster) -> Finding {
    let RedisCluster { is_ok, slots_ok } = cluster;
    let verdict = if *is_ok && *slots_ok == SLOTS {
        Verdict::good(format!("ok, all {SLOTS} slots are served"))
    } else {
        let text = format!("{slots_ok} of {SLOTS} slots are served");
        Verdict::bad(text, "`redis-cli --cluster check HOST:PORT` says which are not")
    };
    Finding::of("redis cluster", verdict)
}

fn of_sentinel(sentinel: &RedisSentinel) -> Finding {
    let hint = "start the sentinels that the url names: without most of them nobody takes over";
    let verdict = match &sentinel.said {
        Ok(said) => Verdict::good(said),
        Err(error) => Verdict::weak(error, hint),
    };
    Finding::of(format!("redis sentinel {}", sentinel.name), verdict)
}

fn rights(condition: &RedisCondition) -> Finding {
    let what = "redis rights";
    if condition.denied.is_empty() {
        return Finding::of(what, Verdict::good("our user may do all that it must"));
    }
    let wanting: Vec<_> = condition.denied.iter().map(|name| format!("+{name}")).collect();
    let text = format!("our user may not run {}", condition.denied.join(", "));
    Finding::of(what, Verdict::bad(text, format!("ACL SETUSER … {}", wanting.join(" "))))
}
