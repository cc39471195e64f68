//! See `notice::emit_body`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| notice::emit_body(bytes));
