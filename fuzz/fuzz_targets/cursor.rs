//! See `notice::cursor`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| notice::cursor(bytes));
