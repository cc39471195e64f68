//! See `adapter::envelope`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| adapter::envelope(bytes));
