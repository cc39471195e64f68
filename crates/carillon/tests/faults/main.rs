//! The built binary on a real Redis, and trouble: every end that was accepted arrives at every connected
//! page, sockets stay, local emits go on, and the log says once what happened and once that it is over.

#![expect(clippy::unwrap_used, reason = "a broken harness should stop the test")]

mod process;
mod redis;
mod relay;
mod trial;

#[path = "../cluster/caller.rs"]
mod caller;
#[path = "../cluster/page.rs"]
#[expect(dead_code, reason = "the cluster's tests ask more of it")]
mod page;
#[expect(dead_code, reason = "the bus's own tests ask more of it")]
#[path = "../../../adapter/tests/contract/server.rs"]
mod server;
