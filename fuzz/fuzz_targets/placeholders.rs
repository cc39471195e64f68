//! See `gateway::placeholders`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gateway::placeholders(bytes));
