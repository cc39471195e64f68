//! See `gateway::websocket`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gateway::websocket(bytes));
