//! The built binary on a real Redis, and trouble: every end that was accepted arrives at every connected
//! page, sockets stay, local emits go on, and the log says once what happened and once that it is over.

#![expect(clippy::unwrap_used, reason = "a broken harness should stop the test")]

mod asking;
mod fleets;
mod hearing;
mod queue;
mod redis;
mod refusals;
mod rooms;
mod said;
mod soak;

mod guest;
mod hall;
mod process;
mod trial;
mod writer;

#[path = "../cluster/caller.rs"]
mod caller;
#[path = "../../../adapter/tests/contract/detour.rs"]
#[expect(dead_code, reason = "the bus's own tests ask more of it")]
mod detour;
#[path = "../api/document.rs"]
#[expect(dead_code, reason = "the API's own tests ask more of it")]
mod document;
#[path = "../../../adapter/tests/contract/fleet.rs"]
mod fleet;
#[path = "../../../adapter/tests/contract/old_redis.rs"]
mod old_redis;
#[path = "../cluster/page.rs"]
#[expect(dead_code, reason = "the cluster's tests ask more of it")]
mod page;
#[path = "../record/said.rs"]
#[expect(dead_code, reason = "the hostile tests keep more")]
mod record;
#[path = "../../../adapter/tests/contract/server.rs"]
mod server;
