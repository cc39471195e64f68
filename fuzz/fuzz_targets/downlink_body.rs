//! See `notice::downlink_body`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| notice::downlink_body(bytes));
