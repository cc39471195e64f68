//! The seeds of a fuzz target, and what is near them: every beginning of each, and each with one byte changed. So
//! the ordinary tests go some steps of the fuzzer's way, always the same ones.

use std::{fs, path::Path};

/// What a byte is changed into: the bytes that parsers look out for.
const CHANGES: [u8; 12] = [0, b'"', b',', b'-', b'0', b'9', b':', b'?', b'{', 0x1e, 0x80, 0xff];

/// Calls `target` with each.
pub(crate) fn each(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(name);
    let mut seeds = 0;
    for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}")) {
        let seed = fs::read(entry.unwrap().path()).unwrap();
        seeds += 1;
        for end in 0..=seed.len() {
            target(&seed[..end]);
        }
        for (at, change) in (0..seed.len()).flat_map(|at| CHANGES.map(|change| (at, change))) {
            let mut near = seed.clone();
            near[at] = change;
            target(&near);
        }
    }
    assert!(seeds > 2, "{name} has {seeds} seeds");
}
