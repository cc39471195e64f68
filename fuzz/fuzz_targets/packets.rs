//! See `gateway::packets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gateway::packets(bytes));
