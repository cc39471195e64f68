//! The way in, over the real bus of one process.
#![expect(clippy::unwrap_used, reason = "a broken harness should stop the test")]

mod harness;
mod intake;
mod source;
