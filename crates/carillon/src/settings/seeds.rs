//! Settings as anybody might mistype them, from the seeds of the fuzzer: they are right or told of, and nothing
//! else happens.

use super::Settings;

#[path = "../../../../fuzz/near.rs"]
mod near;

/// Lines of `name=value`.
fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    if let Err(mistakes) = Settings::of(pairs).into_config() {
        assert!(!mistakes.to_string().is_empty());
    }
}

#[test]
fn every_seed_and_what_is_near_it_is_right_or_told_of() {
    near::each("settings", settings);
}
