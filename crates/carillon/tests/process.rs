//! The binary as a person and a supervisor meet it: exit codes, words, signals.

#![expect(clippy::unwrap_used, reason = "a broken harness should stop the test")]

mod process {
    mod harness;

    mod commands;
    mod life;
    mod road;
}
