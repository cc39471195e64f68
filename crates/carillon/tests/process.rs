//! The binary as a person and a supervisor meet it: exit codes, words, signals.

#![expect(clippy::unwrap_used, reason = "a broken harness should stop the test")]

mod process {
    mod harness;

    #[path = "../record/said.rs"]
    #[expect(dead_code, reason = "the hostile tests keep more")]
    mod record;

    #[path = "../../../adapter/tests/contract/server.rs"]
    #[expect(dead_code, reason = "the bus's own tests ask more of it")]
    mod server;

    mod collector;
    mod commands;
    mod doctor;
    mod keys;
    mod levels;
    mod life;
    mod past_the_bus;
    mod redis;
    mod road;
    mod tls;
    mod traces;
}
