//! See `gateway::polling_body`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gateway::polling_body(bytes));
