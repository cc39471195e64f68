//! The way in from Redis, on a Redis of each test's own.
#![expect(clippy::unwrap_used, reason = "a broken harness should stop the test")]

mod channel;
mod dead;
#[path = "../../../adapter/tests/contract/fleet.rs"]
#[expect(dead_code, reason = "the bus's own tests use the rest")]
mod fleet;
mod harness;
mod list;
#[path = "../../../adapter/tests/contract/server.rs"]
#[expect(dead_code, reason = "the bus's own tests use the rest")]
mod server;
mod stream;
mod trouble;
