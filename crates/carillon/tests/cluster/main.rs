//! Several nodes in one process, started as production starts them: what is handed in on any of them
//! reaches the user on every other, on the bus in memory and over Redis.

#![expect(clippy::unwrap_used, reason = "a broken harness should stop the test")]

mod acks;
mod bad_emits;
mod caller;
mod choices;
mod downlinks;
mod emits;
mod harness;
mod kept;
mod nodes;
mod notices;
mod orders;
mod page;
mod proxies;
mod redis_away;
mod revocations;
mod rooms;
mod stopping;
mod tunnels;
mod turns;
mod uplink;

#[path = "../api/document.rs"]
#[expect(dead_code, reason = "the API's own tests ask more of it")]
mod document;
#[path = "../../../adapter/tests/contract/server.rs"]
#[expect(dead_code, reason = "the bus's own tests ask more of it")]
mod server;

/// Runs each test on a cluster of either kind, which `Cluster::of` and `Cluster::over_redis` start.
macro_rules! on_both_buses {
    ($($test:ident),* $(,)?) => {
        mod in_memory {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(crate::harness::Bus::Embedded).await;
                }
            )*
        }
        mod over_redis {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(crate::harness::Bus::Redis).await;
                }
            )*
        }
    };
}
use on_both_buses;
