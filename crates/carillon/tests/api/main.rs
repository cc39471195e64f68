//! The internal port of one node: what each call takes and answers, and what it says when it does not.

#![expect(clippy::unwrap_used, reason = "a broken harness should stop the test")]

mod bad_orders;
mod crowd;
mod examples;
mod keys;
mod openapi;
mod refusals;
mod tasks;

mod document;
mod folder;
mod harness;
#[path = "../../../adapter/tests/contract/server.rs"]
#[expect(dead_code, reason = "the bus's own tests ask more of it")]
mod server;
