//! See `notice::worker_message`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| notice::worker_message(bytes));
