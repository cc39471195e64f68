//! See `gateway::namespace`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gateway::namespace(bytes));
